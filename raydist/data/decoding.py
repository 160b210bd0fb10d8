"""Encoded images to pixels: the place of `raydist.data.frames.decoding` for code that looks for it here."""

from raydist.data.frames.decoding import decode_image

__all__ = ["decode_image"]
