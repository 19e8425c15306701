"""Reads Redox's saved documentation pages and completes a site's catalog from them.

What a page prints is understood here or listed as not understood; nothing is ever guessed. The
catalog itself is read by `models.catalog`; measured reliability is another step's.
"""
