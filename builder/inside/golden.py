"""What the digits and the model give on a sound build: measured on torch 1.8 to 2.15, see `scripts/versions`.

From torch 2.2 on the losses are the same to the last bit on one processor; older releases differ by 1e-7.
"""

DATA_SHA256 = "3babc666694bf2df1c9884222b94730fedbc9c974ceea7857fc9340e21cc50ba"
INIT_SHA256 = "9ed85a26984e6f67d76542c8bd570cd82549bac249a6f4249f6c2e7f9ecbc20f"
# The mean loss of each epoch, and the share of right answers after each.
CURVE = (
    2.254056803882122, 2.138789340853691, 2.0161629524081945, 1.8762038461863995, 1.7188009396195412,
    1.546630622819066, 1.372294994071126, 1.201190447434783, 1.0426295632496476, 0.9018754605203867,
)  # fmt: skip
ACCURACY = (
    0.2744140625, 0.5009765625, 0.60546875, 0.73046875, 0.791015625,
    0.869140625, 0.9013671875, 0.939453125, 0.962890625, 0.96875,
)  # fmt: skip
