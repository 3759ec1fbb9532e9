"""Photos from the phone's last byte to the desk's screen: resumable uploads, inspection, sizes, scrubbing, keeping.

Nothing here knows grids, roles or accounts: who may upload, and where a finished file goes, comes in as arguments.
"""
