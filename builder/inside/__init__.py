"""The verifier: runs inside an image, with the standard library and torch alone, on Python 3.6 and later.

The host packs this folder into one file (`builder.bundle`) and runs `python verify.pyz CONFIG.json` in the
image. Nothing here imports the rest of envbuild, and nothing of envbuild imports this.
"""
