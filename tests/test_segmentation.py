"""The encoder and the nine decoders: shapes, what each takes from the encoder, what may learn."""

import pytest
import torch
import torch.nn.functional as F

from coursekit import upsample
from coursekit.losses import cross_entropy
from coursekit.models.segmentation import (
    DECODERS,
    FCN,
    WIDTHS,
    Encoder,
    Plain,
    Segmenter,
    SegNet,
    UNet,
    layer,
    pad,
)

K = 7


@pytest.fixture(scope="module")
def levels():
    torch.manual_seed(0)
    with torch.no_grad():
        return Encoder().eval()(torch.rand(2, 3, 64, 96))


@pytest.fixture(params=DECODERS)
def decoder(request):
    torch.manual_seed(0)
    return DECODERS[request.param]()


def test_levels_halve_five_times(levels):
    for n, (before, after, places) in enumerate(
            zip(levels.maps, levels.pooled, levels.places, strict=True)):
        assert before.shape == (2, WIDTHS[n], 64 >> n, 96 >> n)
        assert after.shape == places.shape == (2, WIDTHS[n], 32 >> n, 48 >> n)
        assert torch.equal(upsample.max_pool(before, 2)[0], after)
    assert levels.bottom.shape == (2, WIDTHS[-1], 2, 3)


def test_every_decoder_scores_every_pixel_and_every_parameter_learns(decoder, levels):
    scores = decoder.train()(levels)
    assert scores.shape == (2, K, 64, 96)
    cross_entropy(scores, torch.randint(K, (2, 64, 96))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in decoder.parameters())


@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 32)])
def test_any_size_comes_back(decoder, size):
    model = Segmenter(Encoder(), decoder).eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, *size)).shape == (1, K, *size)


def test_what_is_added_at_the_border_is_zero_and_no_more_than_needed():
    padded = pad(torch.ones(1, 3, 33, 64))
    assert padded.shape == (1, 3, 64, 64) and padded.sum() == 3 * 33 * 64


def test_a_step_changes_the_decoder_and_nothing_of_the_encoder():
    torch.manual_seed(0)
    model = Segmenter(Encoder(), FCN(8)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    cross_entropy(model(torch.rand(2, 3, 32, 32)), torch.randint(K, (2, 32, 32))).backward()
    optimizer.step()
    changed = {name.split(".")[0] for name, value in model.state_dict().items()
               if not torch.equal(value, before[name])}
    assert changed == {"decoder"}
    assert not model.encoder.training and model.decoder.training


def test_a_decoder_can_learn_one_scene_by_heart():
    torch.manual_seed(0)
    images, truth = torch.rand(2, 3, 32, 32), torch.randint(K, (2, 32, 32))
    model = Segmenter(Encoder(), UNet()).train()
    optimizer = torch.optim.AdamW(model.decoder.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = cross_entropy(model(images), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1.5 and losses[-1] < 0.7


def test_fcn_begins_as_bilinear_interpolation_of_summed_scores(levels):
    torch.manual_seed(0)
    fcn = FCN(16).eval()
    with torch.no_grad():
        coarse, skip = fcn.scores[0](levels.bottom), fcn.scores[1](levels.pooled[3])
        inner = (upsample.bilinear(coarse, (4, 6)) + skip)[:, :, 1:-1, 1:-1]
        stamped = upsample.conv_transpose2d(coarse, fcn.twofold[0], stride=2, padding=1) + skip
        torch.testing.assert_close(stamped[:, :, 1:-1, 1:-1], inner)
        torch.testing.assert_close(fcn(levels), upsample.bilinear(stamped, (64, 96)))


@pytest.mark.parametrize("stride, skips", [(32, []), (16, [3]), (8, [3, 2])])
def test_each_fcn_looks_at_its_own_levels(levels, stride, skips):
    fcn, wanted = FCN(stride).eval(), set(skips)
    with torch.no_grad():
        before = fcn(levels)
        for n in range(5):
            pooled = [p * 0 if m == n else p for m, p in enumerate(levels.pooled)]
            same = torch.equal(fcn(levels._replace(pooled=pooled)), before)
            assert same == (n not in wanted)


def test_segnet_uses_the_places_and_no_map(levels):
    torch.manual_seed(0)
    net = SegNet().eval()
    with torch.no_grad():
        before = net(levels)
        blind = levels._replace(maps=[m * 0 for m in levels.maps], pooled=[])
        assert torch.equal(net(blind), before)
        corner = [upsample.max_pool(torch.zeros_like(m), 2)[1] for m in levels.maps]
        assert not torch.equal(net(levels._replace(places=corner)), before)


def test_unet_sees_every_map_and_no_places(levels):
    torch.manual_seed(0)
    net = UNet().eval()
    with torch.no_grad():
        before = net(levels)
        assert torch.equal(net(levels._replace(places=[], pooled=[])), before)
        for n in range(5):
            maps = [m * 0 if i == n else m for i, m in enumerate(levels.maps)]
            assert not torch.equal(net(levels._replace(maps=maps)), before)


@pytest.mark.parametrize("up", ["nearest", "bilinear", "bed of nails", "transposed convolution"])
def test_the_plain_decoder_sees_the_bottom_alone(levels, up):
    net = Plain(up).eval()
    with torch.no_grad():
        bare = levels._replace(maps=[], pooled=[], places=[])
        assert torch.equal(net(bare), net(levels))


def test_nails_and_the_layer_after_them_are_a_transposed_convolution():
    torch.manual_seed(0)
    x, conv = torch.randn(1, 4, 3, 5), layer(4, 6)[0]
    turned = conv.weight.transpose(0, 1).flip(2, 3)
    torch.testing.assert_close(
        conv(upsample.bed_of_nails(x, 2)),
        F.conv_transpose2d(x, turned, stride=2, padding=1, output_padding=1))


def test_parameters_are_those_counted_by_hand():
    count = {name: sum(p.numel() for p in make().parameters()) for name, make in DECODERS.items()}
    assert count["FCN-32s"] == 128 * K + K
    assert count["FCN-16s"] == count["FCN-32s"] + 128 * K + K + K * K * 16
    assert count["FCN-8s"] == count["FCN-16s"] + 64 * K + K + K * K * 16
    steps = [(128, 128), (128, 64), (64, 32), (32, 16), (16, 16)]
    plain = sum(9 * a * b + 2 * b for a, b in steps) + 16 * K + K
    assert {count[name] for name in ("SegNet", "nearest", "bilinear", "bed of nails")} == {plain}
    assert count["transposed convolution"] == plain + sum(4 * a * a + a for a, _ in steps)
    assert count["U-Net"] == sum(4 * a * b + b + 9 * (b + c) * b + 2 * b for (a, b), c in zip(
        steps, WIDTHS[::-1], strict=True)) + 16 * K + K


@pytest.mark.parametrize("call, words", [
    (lambda: FCN(4), "stride=4 came, but 32, 16 or 8 was expected"),
    (lambda: Plain("cubic"), "up='cubic' came, but one of"),
    (lambda: Segmenter(Encoder(), FCN())(torch.rand(3, 32, 32)), r"\(B, 3, H, W\)"),
])
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
