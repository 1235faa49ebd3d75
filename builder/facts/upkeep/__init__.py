"""Tables that stay true: what the indexes say today, held against what the tables say.

`observing` reads the indexes into rows, `differing` compares rows and knows what is suspicious, `writing`
makes an overlay of what was found.
"""
