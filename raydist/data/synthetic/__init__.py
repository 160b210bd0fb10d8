"""Drawn walking people, seen by visible and near-infrared cameras and written in the published layouts.

Numpy and OpenCV only. `draw` is the entry; `settings` and `presets` hold every knob. A drawn world runs the
whole library in tests and measures it: the right answer is known, and one number at a time makes it harder.
"""
