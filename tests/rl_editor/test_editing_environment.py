"""The editing game: replaying the person wins, and its score is that of the measures."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Edit, Fade, Source
from editorbot.edl.raw_axis import frame_times_s
from editorbot.edl.spans import edit_of_spans
from editorbot.evaluate.baselines import random_edit
from editorbot.evaluate.metrics import score_edit
from editorbot.rl_editor.environment import SIZES, EditingEnvironment, Move
from editorbot.rl_editor.steps import FADES_S, pool_mel, step_runs

GRID = FrameGrid(sample_rate=22050, hop_length=256)
RAW = Source(path="raw.wav", sample_rate=44100, channels=2, samples=44100 * 60, sha256="0")
EDITS = {
    "cuts": [(3.0, 20.5), (24.2, 41.0), (50.0, 58.0)],
    "loops": [(0.0, 20.0), (12.0, 20.0), (12.0, 60.0)],
    "later half first": [(30.0, 60.0), (0.0, 30.0)],
    "off the steps": [(3.04, 20.53), (24.26, 41.01)],
    "all of it": [(0.0, 60.0)],
}


def environment(spans=EDITS["cuts"], sources=(RAW,)):
    human = spans if isinstance(spans, Edit) else edit_of_spans(spans, sources)
    frames = len(frame_times_s(human.sources, GRID))
    mel = np.random.default_rng(0).random((64, frames)).astype(np.float32)
    return EditingEnvironment(mel, human, grid=GRID)


def play(env, actions):
    """Undiscounted return of a list of actions."""
    env.reset(seed=0)
    total = 0.0
    for number, action in enumerate(actions):
        _, reward, terminated, truncated, _ = env.step(action)
        total += reward
        if terminated or truncated:
            assert number == len(actions) - 1
    return total


def keep_everything(env):
    return [(Move.KEEP, len(SIZES) - 1, 0)] * (-(-env.steps // SIZES[-1])) + [(Move.STOP, 0, 0)]


def test_it_is_a_gymnasium_environment():
    check_env(environment(), skip_render_check=True)


def test_several_raws_are_one_that_ends_are_no_cuts_of():
    takes = [RAW.model_copy(update={"samples": n}) for n in (44100 * 20, 44100 * 33, 44100 * 7)]
    takes[1] = takes[1].model_copy(update={"sample_rate": 88200})
    human = edit_of_spans([(3.0, 30.2), (33.0, 40.0)], takes)
    env = environment(human)
    assert env.steps == 435
    assert play(env, env.human_actions()) == pytest.approx(1.0)
    replayed = env.to_edit()
    assert [segment.source for segment in replayed.segments] == [0, 1, 1, 2]
    assert replayed.samples == human.samples
    for seed in range(5):
        scores = score_edit(random_edit(env, seed=seed), replayed)
        assert env.info["keep_f1"] == pytest.approx(scores.keep_f1, abs=1e-6)
        assert env.info["cut_f1"] == pytest.approx(scores.cut_f1_500ms, abs=1e-6)


@pytest.mark.parametrize("spans", EDITS.values(), ids=EDITS)
def test_replay_gives_the_persons_edit_back(spans):
    human = edit_of_spans(spans, [RAW])
    env = environment(human)
    play(env, env.human_actions())
    replayed = env.to_edit()
    assert len(replayed.segments) == len(human.segments)
    for mine, theirs in zip(replayed.segments, human.segments, strict=True):
        assert abs(mine.src_start - theirs.src_start) <= RAW.sample_rate / 20
        assert abs(mine.src_end - theirs.src_end) <= RAW.sample_rate / 20


@pytest.mark.parametrize("spans", [v for k, v in EDITS.items() if k != "all of it"])
def test_replay_returns_more_than_keep_all_and_random(spans):
    env = environment(spans)
    best = play(env, env.human_actions())
    assert best == pytest.approx(1.0)
    assert play(env, keep_everything(env)) < best - 0.1
    for seed in range(5):
        random_edit(env, seed=seed)
        assert env.info["agreement"] < best - 0.1


@pytest.mark.parametrize("spans", EDITS.values(), ids=EDITS)
def test_the_return_is_the_agreement_that_the_measures_find(spans):
    env = environment(spans)
    play(env, env.human_actions())
    reference = env.to_edit()
    for seed in range(3):
        proposed = random_edit(env, seed=seed)
        scores = score_edit(proposed, reference)
        assert env.info["keep_f1"] == pytest.approx(scores.keep_f1, abs=1e-6)
        assert env.info["cut_f1"] == pytest.approx(scores.cut_f1_500ms, abs=1e-6)


def test_the_agreement_is_that_of_the_measures_all_along():
    env = environment(EDITS["loops"])
    play(env, env.human_actions())
    reference = env.to_edit()
    random = np.random.default_rng(0)
    env.reset()
    compared = 0
    for _ in range(150):
        action = (random.integers(3), random.integers(5), 0)
        *_, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            break
        # A run that goes on has no leave point yet, unlike the edit that stops there.
        if action[0] != Move.KEEP and info["output_s"] and env.info["position_s"] != last_end(env):
            scores = score_edit(env.to_edit(), reference)
            assert info["keep_f1"] == pytest.approx(scores.keep_f1)
            assert info["cut_f1"] == pytest.approx(scores.cut_f1_500ms)
            compared += 1
    assert compared > 50


def last_end(env):
    return env.to_edit().segments[-1].src_end / RAW.sample_rate


def test_rewards_sum_to_the_change_of_agreement():
    env = environment()
    _, start = env.reset(seed=1)
    env.action_space.seed(1)
    total, over = 0.0, False
    while not over:
        _, reward, terminated, truncated, info = env.step(env.action_space.sample())
        total, over = total + reward, terminated or truncated
    assert total == pytest.approx(info["agreement"] - start["agreement"])


def test_keeping_the_right_material_pays_at_once_and_the_wrong_costs():
    env = environment([(0.0, 10.0), (30.0, 60.0)])
    env.reset()
    *_, right = (env.step((Move.KEEP, 3, 0))[1] for _ in range(10))
    assert right > 0
    for _ in range(4):
        env.step((Move.KEEP, 3, 0))
    assert env.step((Move.KEEP, 3, 0))[1] < 0


def test_a_run_has_its_leave_point_once_it_is_left():
    env = environment([(0.0, 10.0), (30.0, 60.0)])
    env.reset()
    for size in (6, 5):
        assert env.step((Move.KEEP, size, 0))[-1]["cut_f1"] == 0
    # Left at 9.6 s, within 0.5 s of one of the two cuts.
    assert env.step((Move.SKIP, 0, 0))[-1]["cut_f1"] == pytest.approx(2 / 3)


def test_loop_back_plays_again_and_shows_it():
    env = environment()
    env.reset()
    env.step((Move.KEEP, 4, 0))
    env.step((Move.KEEP, 4, 0))
    observation, *_ = env.step((Move.LOOP_BACK, 3, 0))
    half = len(observation["played"]) // 2
    np.testing.assert_allclose(observation["played"][half : half + 9], [0.25] * 8 + [0])
    observation, *_ = env.step((Move.KEEP, 3, 0))
    np.testing.assert_allclose(observation["played"][half - 9 : half], [0.25] + [0.5] * 8)
    assert [(s.src_start, s.src_end) for s in env.to_edit().segments] == [
        (0, 32 * 4410),
        (24 * 4410, 32 * 4410),
    ]


def test_observation_shows_the_mel_around_the_playhead_and_the_raws_ends():
    env = environment()
    observation, _ = env.reset()
    half = len(observation["inside"]) // 2
    assert not observation["mel"][:, :half].any()
    np.testing.assert_array_equal(observation["inside"], [0] * half + [1] * half)
    first = observation["mel"][:, half].copy()
    observation, *_ = env.step((Move.SKIP, 2, 0))
    np.testing.assert_array_equal(observation["mel"][:, half - 4], first)
    assert observation["state"][0] == pytest.approx(4 / 600)
    assert observation["state"][3 + Move.SKIP] == 1


def test_the_end_of_the_raw_ends_the_episode_only_when_play_would_go_on():
    env = environment()
    env.reset()
    for _ in range(10):
        *_, terminated, truncated, _ = env.step((Move.SKIP, 6, 0))
        assert not terminated
        assert not truncated
    assert not env.step((Move.LOOP_BACK, 2, 0))[2]
    assert not env.step((Move.KEEP, 6, 0))[2]
    assert env.step((Move.KEEP, 0, 0))[2]
    assert env.to_edit().samples == 4 * 4410
    with pytest.raises(RuntimeError, match="reset"):
        env.step((Move.KEEP, 0, 0))


def test_endless_loops_are_truncated():
    env = environment()
    env.reset()
    truncated = False
    for _ in range(env.max_actions):
        *_, terminated, truncated, info = env.step((Move.KEEP, 6, 0))
        if truncated:
            break
        *_, terminated, truncated, info = env.step((Move.LOOP_BACK, 6, 0))
        assert not terminated
    assert truncated
    assert info["output_s"] == env.max_output / 10


def test_fades_go_round_through_replay():
    human = edit_of_spans(EDITS["cuts"], [RAW])
    segments = list(human.segments)
    segments[0] = segments[0].model_copy(
        update={"fade_in": Fade(samples=44100), "fade_out": Fade(samples=4410)}
    )
    segments[1] = segments[1].model_copy(update={"fade_in": Fade(samples=500)})
    env = environment(human.model_copy(update={"segments": tuple(segments)}))
    play(env, env.human_actions())
    first, second, third = env.to_edit().segments
    assert (first.fade_in.samples, first.fade_out.samples) == (44100, 4410)
    assert second.fade_in.samples == 441
    assert (second.fade_out.samples, third.fade_in.samples) == (0, 0)


def test_a_fade_never_outlasts_its_segment_or_the_raw():
    env = environment()
    env.reset()
    one_second = FADES_S.index(1.0)
    for action in ((Move.KEEP, 0, one_second), (Move.SKIP, 0, one_second), (Move.KEEP, 1, 3)):
        env.step(action)
    first, second = env.to_edit().segments
    assert max(first.fade_in.samples, first.fade_out.samples) <= first.samples
    assert second.fade_in.samples <= min(first.samples, second.samples)


def test_a_fade_across_a_cut_has_sound_of_the_raw_on_both_sides():
    env = environment()
    env.reset()
    for move, size in ((Move.KEEP, 5), (Move.LOOP_BACK, 4), (Move.LOOP_BACK, 3)):
        env.step((move, size, FADES_S.index(1.0)))
    env.step((Move.LOOP_BACK, 2, 0))
    env.step((Move.LOOP_BACK, 1, 0))
    env.step((Move.LOOP_BACK, 0, 0))
    env.step((Move.KEEP, 6, FADES_S.index(1.0)))
    looped = env.to_edit().segments[1]
    assert looped.src_start == 4410
    assert 0 < looped.fade_in.samples // 2 <= looped.src_start


def test_what_the_clock_cannot_say_is_left_out():
    assert step_runs(edit_of_spans([(1.0, 1.04), (2.0, 3.0)], [RAW]))[0].start == 20


def test_the_same_seed_gives_the_same_random_edit():
    env = environment()
    assert random_edit(env, seed=4) == random_edit(env, seed=4)
    assert random_edit(env, seed=4) != random_edit(env, seed=5)


def test_edits_that_cannot_be_played_are_refused():
    env = environment()
    env.reset()
    with pytest.raises(ValueError, match="nothing was played"):
        env.to_edit()


def test_mel_is_pooled_by_time():
    # Frames at 0, 0.04, 0.08 | 0.12, 0.16 | 0.20 s; bands by pairs.
    mel = np.arange(12, dtype=np.float32).reshape(2, 6)
    times_s = np.arange(6) / 25
    pooled = pool_mel(mel, 3, frame_times_s=times_s, bands=1)
    np.testing.assert_allclose(pooled, [[4.0, 6.5, 8.0]])
    with pytest.raises(ValueError, match=r"expected a mel of shape \(at least 1, 5\), got"):
        pool_mel(mel, 3, frame_times_s=times_s[:5], bands=1)


def test_it_works_under_gymnasiums_own_wrappers():
    env = gymnasium.wrappers.RecordEpisodeStatistics(environment())
    env.reset(seed=0)
    actions = env.unwrapped.human_actions()
    for action in actions:
        *_, info = env.step(action)
    assert info["episode"]["r"] == pytest.approx(1.0)
    assert info["episode"]["l"] == len(actions)
