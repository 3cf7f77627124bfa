"""The `editorbot` command: thin doors to the package, one function each.

Heavy packages are imported where they are needed, so that `--help` answers at once.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from editorbot.errors import EditorbotError

app = typer.Typer(
    name="editorbot",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Learns a person's audio edits from pairs of raw recording and finished edit, and "
    "proposes edits of new recordings.",
)
songs_app = typer.Typer(rich_markup_mode="markdown")
app.add_typer(songs_app, name="songs")

DataFolder = Annotated[Path, typer.Option(help="Folder with input/ and desired_output/.")]
ResultsFolder = Annotated[Path, typer.Option(help="Folder with the pipeline's results.")]
ParamsFile = Annotated[Path, typer.Option(help="Parameters; a misspelt key is an error.")]


class Level(StrEnum):
    """How much the simulated editor does."""

    splice = "splice"
    arranged = "arranged"
    mastered = "mastered"
    hard = "hard"


@songs_app.callback(invoke_without_command=True)
def songs(
    context: typer.Context,
    data: DataFolder = Path("data"),
    results: ResultsFolder = Path("results"),
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """List the songs: paired or half, and whether they are new, ready or stale.

    Example: `editorbot songs`
    """
    if context.invoked_subcommand is None:
        from editorbot.workflow.listing import print_songs

        print_songs(data, results, which=_params(params).songs.which)


@songs_app.command("import")
def import_songs(
    training_data: Annotated[Path, typer.Argument(help="The old tree's training_data folder.")],
    cache: Annotated[Path | None, typer.Option(help="The old tree's cache folder.")] = None,
    data: DataFolder = Path("data"),
    link: Annotated[bool, typer.Option(help="Hard-link in place of copying.")] = False,
) -> None:
    """Bring the recordings of an old training_data/ and cache/ tree over into data/.

    Example: `editorbot songs import ../old/training_data --cache ../old/cache`
    """
    from editorbot.corpus.old_layout import import_songs as bring_over

    report = bring_over(training_data, data, cache=cache, link=link)
    typer.echo(f"{_count(len(report.copied), 'recording')} brought over into {data}")
    if report.already_there:
        typer.echo(f"already there: {_count(len(report.already_there), 'recording')}")
    for sentence in report.half_pairs:
        typer.echo(f"half a pair: {sentence}")
    for name in report.without_sound:
        typer.echo(f"in the old cache, but without recordings: {name}")
    typer.echo("Features, stems and pointers are made anew: snakemake --cores all prepare")


@app.command()
def align(
    raws: Annotated[list[Path], typer.Argument(help="The raw recording, or several.")],
    edit: Annotated[Path, typer.Argument(help="The finished edit made from them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the five files.")],
    song: Annotated[str | None, typer.Option(help="Name of the song, else the edit's.")] = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Recover what the editor did: EDL, pointers, ops, numbers and a picture.

    Example: `editorbot align jam_raw.wav jam_edit.wav -o aligned/`, or of several takes
    `editorbot align take1.wav take2.wav jam_edit.wav -o aligned/`
    """
    from editorbot.align.align import align as recover
    from editorbot.align.write import write_alignment

    settings = _params(params)
    name = song or edit.stem.removesuffix("_edit")
    alignment = recover(raws, edit, params=settings.align)
    write_alignment(alignment, output, song=name, mel=settings.mel)
    segments = _count(len(alignment.edit.segments), "segment")
    share = alignment.info.explained_share
    typer.echo(f"{share:.1%} of {edit} is found in its raw, {segments}; see {output}/{name}_*")


@app.command()
def simulate(
    tracks: Annotated[list[Path], typer.Argument(help="Finished tracks.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pairs.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    level: Annotated[Level | None, typer.Option(help="How much the editor does.")] = None,
    raws: Annotated[
        int | None, typer.Option(min=1, max=8, help="Files that each session is recorded in.")
    ] = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Make raw/edit pairs with their true EDLs from finished tracks.

    Example: `editorbot simulate data/reference/*.ogg -o pairs --seed 1`
    """
    from editorbot.corpus.simulate import simulate as make_pair
    from editorbot.progress import track

    settings = _params(params).simulate
    if level is not None:
        settings = settings.model_copy(update={"level": level.value})
    if raws is not None:
        settings = settings.model_copy(update={"raws": raws})
    names = [path.stem for path in tracks]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise EditorbotError(f"several tracks are named {min(repeated)}: rename all but one")
    for path, name in track(list(zip(tracks, names, strict=True)), "Simulating jams"):
        make_pair(path, output, song=name, seed=seed, params=settings)
    typer.echo(f"{_count(len(tracks), 'pair')} in {output}/input and {output}/desired_output")


@app.command()
def demo(
    songs: Annotated[str | None, typer.Option(help="How many, or all.")] = None,
    data: DataFolder = Path("data"),
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Make demo songs: render compositions, and simulate a jam and its edit of each.

    Example: `editorbot demo --songs 10`
    """
    from editorbot.corpus.demo_pairs import make_demo_pairs
    from editorbot.corpus.songs import find_songs

    settings = _params(params)
    wanted = songs if songs is not None else settings.demo.songs
    names = make_demo_pairs(data, wanted, seed=settings.demo.seed, params=settings.simulate)
    typer.echo(f"{_count(len(names), 'demo song')} in {data}/demo")
    others = set(find_songs(data, which="demo").names) - set(names)
    if others:
        typer.echo(f"and {len(others)} made before, which the pipeline takes too")


@app.command()
def infer(
    raws: Annotated[
        list[Path], typer.Argument(help="The raw recording to edit, or several to take from.")
    ],
    checkpoint: Annotated[
        Path,
        typer.Option(
            help="Folder of a trained model; or `bundled`, which knows simulated jams alone."
        ),
    ] = Path("results/models/pointer_network/best"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The edited sound; else beside RAWS.")
    ] = None,
    target_length: Annotated[
        str | None, typer.Option(help="How long the edit is to be, as 4:30.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="What is kept in any case, as 1:20-1:45; repeatable.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="What is dropped in any case; repeatable.")
    ] = None,
    alternatives: Annotated[
        int, typer.Option(min=1, max=20, help="How many different good edits to propose.")
    ] = 1,
) -> None:
    """Propose an edit of raw recordings: sound, EDL and picture.

    Times are those of the raw; of several raws, one after the other.

    Example: `editorbot infer jam_raw.wav -o jam_proposal.wav --drop 0:00-0:30 --alternatives 3`
    """
    from editorbot.corpus.songs import raw_name
    from editorbot.pointer_network.infer import infer as propose
    from editorbot.pointer_network.infer import read_wishes

    wishes = read_wishes(keep, drop, target_length)

    if output is None:
        name = raw_name(raws[0])
        output = raws[0].with_name(f"{name.song if name else raws[0].stem}_proposal.wav")
    proposals = propose(
        raws, checkpoint=checkpoint, output=output, wishes=wishes, count=alternatives
    )
    for proposal in proposals:
        typer.echo(f"{proposal.sound}\n{proposal.edit_list}\n{proposal.picture}")


@app.command()
def render(
    edit: Annotated[Path, typer.Argument(help="An EDL (JSON, see docs/edl.md).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sound to write.")],
) -> None:
    """Play an EDL into a file; sources are looked for as named, then beside the EDL.

    Example: `editorbot render results/pointers/jam_edit.json -o jam.wav`
    """
    from editorbot.audio.render import render_to
    from editorbot.audio.sources import with_sources_found
    from editorbot.edl.serialize import read_edit

    render_to(with_sources_found(read_edit(edit), beside=edit.parent), output)
    typer.echo(f"wrote {output}")


@app.command()
def evaluate(
    found: Annotated[Path, typer.Argument(help="An EDL, or a folder of them.")],
    truth: Annotated[Path, typer.Argument(help="The true EDL, or a folder of them.")],
    alignment: Annotated[
        bool, typer.Option(help="FOUND claims to be the same edit: measure it frame by frame.")
    ] = False,
) -> None:
    """Score proposed edits, or recovered ones, against the true edit lists.

    Example: `editorbot evaluate --alignment results/pointers data/demo/truth`
    """
    from editorbot.evaluate.compare import print_comparison

    print_comparison(found, truth, alignment=alignment)


@app.command()
def results(
    folder: Annotated[Path, typer.Argument(help="Folder with the pipeline's results.")] = Path(
        "results"
    ),
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Print the scores of the last run and where everything is.

    Example: `editorbot results`
    """
    from editorbot.evaluate.overview import print_overview

    print_overview(folder, params=_params(params).evaluate)


def _params(path: Path):
    """The parameters at `path`; the defaults where the default path is not there."""
    from editorbot.params import Params, load_params

    if path == Path("params.yaml") and not path.exists():
        return Params()
    return load_params(path)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def main() -> None:
    """Run the command; a user's mistake ends in one sentence and exit status 1."""
    try:
        app()
    except EditorbotError as error:
        typer.echo(f"editorbot: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
