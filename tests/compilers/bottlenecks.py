"""Random bottlenecks, for the tests that run them in strips and by channels."""

from __future__ import annotations

from hypothesis import strategies as st

from graph.builder import Builder
from tests.compilers.chains import SCALE, Chain
from tests.kernels.cases import Case, pictures, seeds, zero_points


@st.composite
def bottlenecks(draw: st.DrawFn) -> Case:
    """Draw a first layer, inverted bottlenecks with and without a sum, and perhaps a convolution with a mean."""
    builder, seed = Builder(), draw(seeds)
    shape = draw(st.integers(1, 11)), draw(st.integers(1, 17)), draw(st.sampled_from([3, 4]))
    x = builder.tensor((1, *shape), scale=SCALE, zero_point=draw(zero_points))
    chain = Chain(builder, draw, seed, x, shape)
    chain.conv(draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2])))
    for _ in range(draw(st.integers(1, 2))):
        source, before = chain.tensor, chain.shape
        expand = draw(st.sampled_from([1, 1, 1, 3]))
        chain.conv(expand, draw(st.sampled_from([1, 2])) if expand > 1 else 1)
        if draw(st.booleans()):
            chain.table()
        chain.depthwise()
        if draw(st.booleans()):
            chain.table()
        if draw(st.booleans()):
            chain.conv(1, 1, channels=before[2])
            if draw(st.booleans()):
                chain.table()
            if chain.shape == before:
                chain.add(source)
    if draw(st.booleans()):
        chain.conv(1, 1, channels=draw(st.sampled_from([16, 32, 40])))
        chain.mean()
    return Case(builder.finish([x], [chain.tensor]), pictures(seed, (1, *shape))[:3])
