import gymnasium
import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.layouts import KEY
from encoder_bridge.env.rendering import _COLOURS, HEIGHT, WIDTH
from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.env.vector import Vp9RateControlVectorEnv
from encoder_bridge.errors import BadInput, NotRunning


def column(picture, colour):
    """The rows of the chart of qindexes where a colour stands in the first column of pixels."""
    return np.flatnonzero((picture[284:380, 0] == colour).all(axis=1))


def test_the_picture_shows_qindexes_and_bits(clip, new_pool):
    env = Vp9RateControlEnv([clip], new_pool=new_pool, render_mode="rgb_array")
    for qindex in (10, 200):
        env.reset(seed=0, options={"guard": False})
        empty = env.render()
        env.step(np.int64(qindex))
        picture = env.render()
        assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.uint8
        assert not len(column(empty, _COLOURS[KEY]))
        assert column(picture, _COLOURS[KEY]).mean() / 96 == pytest.approx(qindex / 255, abs=0.04)
    env.close()


def test_the_picture_shows_the_decoded_frame(clips):
    clip = clips[_native.Pool]
    env = Vp9RateControlEnv([clip], [400], render_mode="rgb_array")
    env.reset(seed=0)
    done = False
    while not done:
        _, _, done, _, _ = env.step(np.int64(40))
    frame = env.render()[:280, (640 - 373) // 2 :][:, :373]
    luma = clip.raw.frames[-1][: 64 * 48].reshape(48, 64)
    small = frame[np.arange(48) * 280 // 48 + 2][:, np.arange(64) * 373 // 64 + 2].mean(axis=2)
    assert np.corrcoef(small.ravel(), luma.ravel())[0, 1] > 0.9
    env.close()


def test_gymnasium_renders(clip, new_pool):
    env = gymnasium.make("Vp9RateControl-v0", clips=[clip], new_pool=new_pool, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (HEIGHT, WIDTH, 3)
    env.close()
    env = Vp9RateControlVectorEnv(2, [clip], new_pool=new_pool, render_mode="rgb_array")
    with pytest.raises(NotRunning):
        env.render()
    env.reset(seed=0)
    assert [picture.shape for picture in env.render()] == [(HEIGHT, WIDTH, 3)] * 2
    env.close()


def test_without_a_render_mode_there_is_no_picture(clip, new_pool):
    env = Vp9RateControlEnv([clip], new_pool=new_pool)
    assert env.render() is None
    with pytest.raises(BadInput, match="use rgb_array"):
        Vp9RateControlEnv([clip], new_pool=new_pool, render_mode="human")
