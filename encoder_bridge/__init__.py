"""libvpx as an environment: every qindex of a VP9 encode decided by whoever asks.

`media` reads, decodes, muxes and measures video files. `encode` has the encoder's settings, first passes,
second passes under a policy or decided frame by frame, and batches of them. `env` is the Gymnasium
environment; `testing` an encoder without libvpx. The extension `_native` does the work.

Gymnasium knows the environment as "encoder_bridge.env:Vp9RateControl-v0", or by its bare name once
`encoder_bridge.env` is imported; importing this package alone stays cheap for those who encode.
"""
