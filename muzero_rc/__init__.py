"""Learned rate control for VP9: MuZero with self-competition chooses libvpx's qindex for every frame.

Programs start at `muzero_rc.cli`; `muzero_rc.encode` and `muzero_rc.study` are the same without arguments
and printing. Encoders themselves are in `encoder_bridge`.
"""
