"""libvpx as an environment: every qindex of a VP9 encode decided by whoever asks.

Video files in and out: `probe`, `video`, `mux`. Encodes: `config`, `session`, `interactive`,
`results`. Learning: `env` and `vector_env`, `observation`, and `fake`, an encoder without libvpx.
Measuring: `quality`, `bitstream`.

Gymnasium knows the environment as "encoder_bridge.env:Vp9RateControl-v0", or by its bare name once
`encoder_bridge.env` is imported; importing this package alone stays cheap for those who encode.
"""
