"""The demo district: 银川市西夏区 as a plausible copy, with accounts. Only made when `XUNGE_DEMO=1`.

Codes, names and counts are modelled on the real district (DESIGN §1); community names and outlines are made up.
Nothing outside this package knows that there is a demo.
"""
