"""Learned rate control for VP9: MuZero with self-competition chooses libvpx's qindex for every frame.

Programs start at `muzero_rc.cli`; `muzero_rc.encoding.file_encode` and `muzero_rc.report.build` are
the same without arguments and printing. Encoders themselves are in `encoder_bridge`.
"""
