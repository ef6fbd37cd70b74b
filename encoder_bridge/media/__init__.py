"""Video files: probing, decoding, muxing, measuring, VP9 headers."""
