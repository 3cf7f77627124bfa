"""Time and memory of a network at 5,000 to 50,000 frames, beside softmax attention of one size.

    python benchmarks/encoder.py [--compile]
    python benchmarks/encoder.py --network v2 --size full --softmax-frames 15000

Of the path model, or of V2's encoder. Each case runs in a process of its own, so that the peak of
resident memory is that case's; what the process holds before the first pass is subtracted. Times
are CPU seconds. Both networks are the same but for the attention (PyTorch's
scaled_dot_product_attention, which on a CPU runs its fused kernel where it can). Prints the ratio
of 50,000 to 5,000 frames, which may be at most 11 for the linear one.
"""

import argparse
import json
import subprocess
import sys
import threading
import time

FRAMES = (5_000, 15_000, 50_000)
LARGEST_RATIO = 11.0
N_MELS = 128


def build(network: str, size: str, kind: str):
    """A network, and what makes an input of so many frames for it."""
    import torch

    torch.manual_seed(0)
    model, example = (_path if network == "path" else _v2)(size)
    if kind == "softmax":
        for name, module in list(model.named_modules()):
            if type(module).__name__ == "LinearAttention":
                model.set_submodule(name, softmax_attention(module))
    model = model.train()
    return (torch.compile(model) if kind == "compiled" else model), example


def softmax_attention(linear):
    """PyTorch's attention with the weights and the interface of our linear one."""
    import torch
    from torch.nn import functional

    from editorbot.nn.blocks import split_heads
    from editorbot.nn.linear_attention import LinearAttention

    class SoftmaxAttention(LinearAttention):
        def forward(self, parts, masks):
            x = torch.cat(tuple(parts), dim=1)
            q, k, v = (
                split_heads(part, self.heads).transpose(1, 2)
                for part in self.query_key_value(x).chunk(3, -1)
            )
            attended = functional.scaled_dot_product_attention(q, k, v)
            attended = self.output(attended.transpose(1, 2).flatten(-2))
            return attended.split([part.shape[1] for part in parts], dim=1)

    return SoftmaxAttention(linear.output.out_features, heads=linear.heads)


def _v2(size_name: str):
    import torch

    from editorbot.params import PointerParams
    from editorbot.pointer_network.v2.encoder import RawEncoder

    size = PointerParams(size=size_name).dimensions

    def example(frames: int):
        mel = torch.rand(1, N_MELS, -(-frames // size.stride) * size.stride)
        return mel, None, torch.tensor([mel.shape[-1] // size.stride])

    return RawEncoder(size, n_mels=N_MELS, stems=False), example


def _path(size_name: str):
    import torch

    from editorbot.params import PathSize
    from editorbot.pointer_network.path.features import BANDS
    from editorbot.pointer_network.path.network import Inputs, PathNetwork
    from editorbot.pointer_network.path.repeats import FEATURES, PARTNERS

    size = PathSize()

    def example(frames: int):
        steps = -(-frames // size.stride)
        there = (1, steps, PARTNERS)
        inputs = Inputs(
            mel=torch.rand(1, steps * size.stride, BANDS).half(),
            repeats=torch.rand(1, steps, FEATURES).half(),
            partners=torch.randint(-1, steps, there),
            behind=torch.randint(0, 8, there),
            ahead=torch.randint(0, 8, there),
            stems=None,
            lengths=torch.tensor([steps]),
            frames=torch.tensor([steps * size.stride]),
        )
        return (inputs,)

    return PathNetwork(size, stems=False), example


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


class PeakMemory:
    """Highest resident memory above the start, sampled every 2 ms."""

    def __enter__(self):
        self.start = self.peak = resident_bytes()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.done.wait(0.002):
            self.peak = max(self.peak, resident_bytes())

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        self.peak = max(self.peak, resident_bytes())

    @property
    def megabytes(self) -> float:
        return (self.peak - self.start) / 1e6


def measure(kind: str, frames: int, given: argparse.Namespace, *, backward: bool):
    """Shortest of the repeated passes, and the peak memory of all."""
    import torch

    torch.set_num_threads(given.threads)
    model, example = build(given.network, given.size, kind)

    def one_pass(inputs):
        with torch.set_grad_enabled(backward):
            outputs = [x for x in model(*inputs) if x.is_floating_point()]
            if backward:
                sum(x.square().mean() for x in outputs).backward()

    # Libraries load, threads start and code is compiled outside the measured memory.
    one_pass(example(64 * 8))
    inputs = example(frames)
    if kind == "compiled":
        one_pass(inputs)
    seconds = []
    with PeakMemory() as memory:
        for _ in range(given.repeats):
            start = time.process_time()
            one_pass(inputs)
            seconds.append(time.process_time() - start)
    return {"seconds": min(seconds), "megabytes": memory.megabytes}


def in_own_process(kind: str, frames: int, given: argparse.Namespace, *, backward: bool) -> dict:
    command = [sys.executable, __file__, "--case", kind, str(frames), str(int(backward))]
    options = ["--network", given.network, "--size", given.size]
    options += ["--threads", str(given.threads), "--repeats"]
    # One softmax pass over 50,000 frames takes minutes: once will do.
    repeats = 1 if kind == "softmax" and frames > 20_000 else given.repeats
    done = subprocess.run([*command, *options, str(repeats)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def compare(given: argparse.Namespace, *, backward: bool) -> float:
    kinds = ["linear", "softmax", *(["compiled"] if given.compile else [])]
    print(f"\n{given.network}, {'forward and backward' if backward else 'forward'}")
    print(
        f"{'frames':>8}" + "".join(f"{kind:>22}" for kind in kinds) + "   of linear: time, memory"
    )
    results = {}
    for frames in FRAMES:
        row = f"{frames:>8}"
        for kind in kinds:
            if kind == "softmax" and frames > given.softmax_frames:
                row += f"{'':>22}"
                continue
            found = in_own_process(kind, frames, given, backward=backward)
            results[kind, frames] = found
            row += f"{found['seconds']:>11.2f} s{found['megabytes']:>6.0f} MB"
        usual = results["linear", frames]
        for kind in kinds[1:]:
            if (kind, frames) in results:
                ratios = (results[kind, frames][unit] / usual[unit] for unit in usual)
                row += f"   {kind} " + ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(row, flush=True)
    short, long = FRAMES[0], FRAMES[-1]
    for kind in kinds:
        if (kind, long) not in results:
            continue
        ratio = {
            unit: results[kind, long][unit] / results[kind, short][unit]
            for unit in ("seconds", "megabytes")
        }
        print(
            f"{kind}: {long:,} frames cost {ratio['seconds']:.1f} times the time and "
            f"{ratio['megabytes']:.1f} times the memory of {short:,}"
        )
    return results["linear", long]["seconds"] / results["linear", short]["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="path", choices=["path", "v2"])
    parser.add_argument("--size", default="full", choices=["mini", "full"], help="of v2's")
    parser.add_argument("--compile", action="store_true", help="torch.compile beside it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    help_text = "longest input that softmax attention gets; 50,000 frames take it minutes"
    parser.add_argument("--softmax-frames", type=int, default=FRAMES[-1], help=help_text)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        kind, frames, backward = given.case
        result = measure(kind, int(frames), given, backward=backward == "1")
        print(json.dumps(result))
        return
    ratios = [compare(given, backward=backward) for backward in (False, True)]
    print(f"\nlinear, 50,000 / 5,000 frames: {max(ratios):.1f} (at most {LARGEST_RATIO:.0f})")
    sys.exit(max(ratios) > LARGEST_RATIO)


if __name__ == "__main__":
    main()
