"""What the face benchmark counts: calibrated time, and shares of drawing options."""

import importlib
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_seconds_count_by_the_mean_speed_around_them(script):
    calibrated = script("calibrated")
    speeds, clock = iter([310.0, 155.0]), [0.0]

    def work():
        clock[0] += 2.0

    machine, watch = calibrated.Machine(lambda: next(speeds)), calibrated.Stopwatch()
    calibrated.run_slice(work, machine, watch, 9.0, lambda: clock[0])
    assert watch.seconds == 10.0  # whole pieces of work, until nine seconds are over
    assert watch.calibrated == pytest.approx(10.0 * (310 + 155) / 2 / 310)
    assert machine.drift == pytest.approx(1.0)
    assert "warning" in machine.record()


def test_a_slow_machine_gets_longer_turns_for_the_same_calibrated_seconds(script):
    calibrated = script("calibrated")
    clock = [0.0]

    def work():
        clock[0] += 1.0

    machine, watch = calibrated.Machine(lambda: 155.0), calibrated.Stopwatch()
    calibrated.run_slice(work, machine, watch, 20.0, lambda: clock[0])
    assert (watch.seconds, watch.calibrated) == (40.0, 20.0)
    assert "warning" not in machine.record()


def test_share_distance_is_the_mass_that_would_have_to_move(script):
    options = script("gan_options")
    a = torch.eye(4)[[0, 0, 1, 2]]
    b = torch.eye(4)[[0, 1, 1, 3]]
    assert options.share_distances({"eyes": a}, {"eyes": b}) == {"eyes": pytest.approx(0.5)}
    assert options.share_distances({"eyes": a}, {"eyes": a.flip(0)}) == {"eyes": 0.0}


def test_one_doubtful_option_makes_a_picture_doubtful(script):
    options = script("gan_options")
    read = {"eyes": torch.tensor([[0.95, 0.05], [0.95, 0.05]]), "hair": torch.tensor([[0.99, 0.01], [0.6, 0.4]])}
    assert options.all_sure(read) == 0.5
    assert options.combinations(read) == 1


def test_an_option_that_an_avatar_lacks_is_a_class_of_its_own(script):
    options = script("gan_options")
    drawn = [{"beardVariant": "chin", "headVariant": "head"}, {"headVariant": "head"}]
    classes = options.classes_of(drawn)
    assert classes == {"beardVariant": ["chin", "none"]}
    assert options.indices_of(drawn, classes).tolist() == [[0], [1]]


def test_only_the_definitions_of_the_example_are_run(script, tmp_path):
    source = tmp_path / "main.py"
    source.write_text(
        "raise SystemExit('the rest was run')\n"
        "def weights_init(module):\n    module.bias.data.fill_(ngf)\n"
        "class Generator(nn.Linear):\n    def __init__(self, ngpu):\n        super().__init__(nz, nc)\n"
        "class Discriminator(nn.Linear):\n    def __init__(self, ngpu):\n        super().__init__(nc, ngpu)\n"
    )
    generator, critic = script("gan_faces").example_networks(source, channels=3)
    assert (generator.in_features, generator.out_features, critic.out_features) == (100, 3, 1)
    assert generator.bias.tolist() == [64.0, 64.0, 64.0]


def test_the_ablation_and_the_comparison_judge_alike(script, tmp_path):
    faces, ablation = script("gan_faces"), script("gan_ablation")
    random = torch.Generator().manual_seed(0)
    real, made = (torch.randint(256, (count, 3, 16, 16), generator=random, dtype=torch.uint8) for count in (6, 5))
    images = faces.ImageSet(tmp_path, real, None, (), torch.zeros(6, dtype=torch.bool), {})
    faces.keep_samples(tmp_path / "kept.safetensors", made, None)
    extractor = faces.load_extractor(faces.EXTRACTOR)
    real_ND, made_MD = (faces.extract(extractor, pictures) for pictures in (real, made))
    row = faces.judged(
        {"samples": str(tmp_path / "kept.safetensors")}, images, real, faces.References(real_ND, real_ND, None), None
    )
    assert ablation.scores(real_ND, made_MD).items() <= row.items()
    assert 0 <= row["near_training"] <= 1


def test_a_turn_foresees_its_last_step(script):
    calibrated, faces = script("calibrated"), script("gan_faces")

    class Steady:
        images, clock = 0, 0.0

        def step(self, total):
            self.images, self.clock, self.total = self.images + 1, self.clock + 0.5, total

    steady = Steady()
    turn, machine = faces.Turn(steady, 1.0, lambda: steady.clock), calibrated.Machine(lambda: 155.0)
    while missing := turn.missing(1.0):
        turn.run(machine, min(missing, 10.0))
    assert steady.images == steady.total == 240  # half a second each, for a minute at half the nominal speed


def test_a_variant_names_settings_and_constants_whose_values_may_hold_commas(script):
    parsed = script("gan_ablation").parsed_variant
    text = 'gan.architectures.style.CHANNELS={"4":128,"64":32},augment=flip,translate,lr_g=5e-3,projected=false'
    assert parsed(text) == {
        "gan.architectures.style.CHANNELS": {"4": 128, "64": 32},
        "augment": "flip,translate",
        "lr_g": 0.005,
        "projected": False,
    }
    assert parsed("") == {}


def test_a_measurement_names_the_recipe_that_it_is_of(script):
    with_preset = script("gan_faces").with_preset
    settings = with_preset({"preset": "projected", "gamma": 2.0})
    assert (settings.projected, settings.penalty_every, settings.gamma) == (True, 8, 2.0)
    for given in ({"preset": "auto"}, {"gamma": 2.0}):
        with pytest.raises(SystemExit, match="preset auto: name what it takes"):
            with_preset(given)


def test_a_changed_constant_is_one_that_there_is(script, monkeypatch):
    from aigc_cli.gan import conclusion, report
    from aigc_cli.gan.architectures import style
    from aigc_cli.gan.critics import projected

    monkeypatch.setattr(projected, "WIDTH", projected.WIDTH)
    monkeypatch.setattr(style, "CHANNELS", style.CHANNELS)
    for module in (conclusion, report):
        monkeypatch.setattr(module, "MANY_NEAR", module.MANY_NEAR)
    changed = script("gan_ablation").changed_constants
    changed(
        {
            "gan.critics.projected.WIDTH": 8,
            "gan.architectures.style.CHANNELS": {"4": 16},
            "gan.conclusion.MANY_NEAR": 0.25,
        }
    )
    assert (projected.WIDTH, style.CHANNELS) == (8, {4: 16})
    assert (conclusion.MANY_NEAR, report.MANY_NEAR) == (0.25, 0.25)  # the report has its own name for it
    with pytest.raises(SystemExit, match="no such constant"):
        changed({"gan.critics.projected.WIDE": 8})
