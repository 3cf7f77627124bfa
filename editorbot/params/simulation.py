"""The section of simulated jams: how sessions go, and what their editor does."""

from typing import Annotated, Literal

from pydantic import Field

from editorbot.params.section import Section, Share


class SimulateParams(Section):
    """Jams and their edits, made from finished tracks."""

    level: Literal["splice", "arranged", "mastered", "hard"] = "arranged"
    """What the editor does: cuts and short fades; also loops, reorders, gains, long fades and
    silence; also mastering, lossy coding, other rates and channels; also reversed, sped-up,
    pitch-shifted, inverted and foreign parts, reverb, noise and drift."""
    editor: Literal["comper", "arranger"] = "comper"
    """comper: keeps each passage's best take, in the order in which they were played; arranger:
    keeps count-ins and vamps too, begins with what was played last, and plays the last two bars of
    longer runs twice."""
    repeats: Literal["copies", "played_again"] = "played_again"
    """Whether another take of a passage is the same sound, or differs in tempo, tone and level."""
    max_track_s: Annotated[float, Field(ge=20)] = 60.0
    """Seconds; of a longer track an excerpt between two bar lines is used."""
    bits: Literal[16, 24] = 16
    """PCM resolution of the WAV files."""
    raws: Annotated[int, Field(ge=1, le=8)] = 1
    """Files that a session is recorded in; several are split where nobody plays."""
    raw_gain_db: Annotated[float, Field(ge=0)] = 6.0
    """Other files are quieter than the first by at most so many dB."""
    raw_rate_share: Share = 0.25
    """Chance that another file has another sample rate than the first."""
    passage_s: Annotated[float, Field(ge=4)] = 10.0
    """Seconds; about how long the passages are that a band plays and repeats."""
    break_share: Share = 0.4
    """Chance that playing stops after a passage."""
    false_start_share: Share = 0.35
    """Chance that a take breaks off soon after it began."""
    spoiled_take_share: Share = 0.25
    """Chance that a passage goes wrong and is played again."""
    played_through_share: Share = 0.0
    """Chance that the band plays on after that, and comes back to it in the next take."""
    retake_share: Share = 0.0
    """Chance that what was played well is played again, from the top or from within."""
    vamp_share: Share = 0.22
    """Chance that the end of a passage is repeated for too long."""
    vamp_keep_share: Share = 0.3
    """Chance that the editor keeps one repeat of a vamp."""
    talk_share: Share = 0.55
    noise_share: Share = 0.3
    tuning_share: Share = 0.35
    dead_air_share: Share = 0.5
    """Chances that a break holds talk, noise, tuning, dead air."""
    count_in_share: Share = 0.6
    """Chance that a take is counted in."""
    junk_scale: Annotated[float, Field(gt=0)] = 1.0
    """Factor on the length of talk, noise, tuning and dead air."""
    room_tone_db: Annotated[float, Field(le=0)] = -60.0
    """RMS of the room, dB below full scale."""
    tempo_spread: Annotated[float, Field(ge=0, le=0.2)] = 0.035
    """Largest difference of tempo between two takes, as a share; pitch stays."""
    tone_spread_db: Annotated[float, Field(ge=0)] = 4.0
    """Largest difference of tone between two takes, dB per band."""
    level_spread_db: Annotated[float, Field(ge=0)] = 3.0
    """Largest difference of level between two takes, dB."""
    raw_tone_db: Annotated[float, Field(ge=0)] = 2.0
    """Tone of the recording against the track, at most ± dB per band."""
    cut_jitter_s: Annotated[float, Field(ge=0)] = 0.012
    """Seconds; how far before or after a bar line the editor cuts, at most."""
    loop_share: Share = 0.12
    """Chance that the editor repeats some bars of a run; from level arranged on."""
    reorder_share: Share = 0.06
    """Chance that the editor swaps a passage with the next; from level arranged on."""
    gain_db: Annotated[float, Field(ge=0, le=3)] = 2.5
    """Gain of a run, at most ± dB; from level arranged on."""
    gain_step_share: Share = 0.05
    """Chance that the gain changes by 1 dB or more while a run goes on; from level arranged on."""
    silence_share: Share = 0.03
    """Chance that silence comes before a run; from level arranged on."""
    codec: Literal["off", "ogg", "mp3", "any"] = "any"
    """Lossy coding of the edit, from level mastered on."""
    padding_share: Share = 0.3
    """Chance that a coder's padding is left in an mp3's sound; from level mastered on."""
    raw_codec_share: Share = 0.25
    """Chance that only a lossy copy of the raw is kept; from level mastered on."""
    edit_rate_share: Share = 0.25
    """Chance that the edit's file has another sample rate; from level mastered on."""
    channels_share: Share = 0.25
    """Chance that the edit is mono or has its channels swapped; from level mastered on."""
    leading_share: Share = 0.3
    """Chance that the edit begins with silence; from level mastered on."""
    leading_s: Annotated[float, Field(gt=0)] = 2.0
    """Seconds of silence that the edit begins with, at most."""
    treated_share: Share = 0.25
    """Chance that bars of a run are reversed, sped up, and so on; at level hard."""
    foreign_share: Share = 0.15
    """Chance that sound which is not in the raw comes before a run; at level hard."""
    reverb_share: Share = 0.15
    """Chance that the end of a run rings out in a reverb; at level hard."""
    reverb_s: Annotated[float, Field(ge=0.2)] = 1.5
    """Seconds that a reverb takes to fall by 60 dB, at most."""
    noise_added_share: Share = 0.5
    """Chance that noise is added to the edit; at level hard."""
    noise_db: Annotated[float, Field(ge=0)] = 20.0
    """Level of the edit above added noise, dB, at least; at most 20 dB more."""
    drift_share: Share = 0.5
    """Chance that the recorder's clock differs from the edit's; at level hard."""
    drift_ppm: Annotated[float, Field(ge=0, le=1000)] = 200.0
    """Millionths by which the clocks differ, at most."""
