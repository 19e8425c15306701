"""Marts: what is compiled from the catalog for them, what their headers say, the tests of it.

Pure: gives SELECTs as text. Which tables there are is an argument; the statements are run elsewhere.
"""
