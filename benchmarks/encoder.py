"""Time and memory of the encoder at 5,000 to 50,000 frames, beside softmax attention of one size.

    python benchmarks/encoder.py [--size full] [--threads 2] [--softmax-frames 15000]

Each case runs in a process of its own, so that the peak of resident memory is that case's; what the
process holds before the first pass is subtracted. Both encoders are the same but for the attention
(PyTorch's scaled_dot_product_attention, which on a CPU runs its fused kernel where it can). Prints
the ratio of 50,000 to 5,000 frames, which may be at most 11 for the linear one.
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


def build(size_name: str, kind: str):
    import torch
    from torch.nn import functional

    from editorbot.nn.blocks import split_heads
    from editorbot.nn.linear_attention import LinearAttention
    from editorbot.params import PointerParams
    from editorbot.pointer_network.encoder import STEPS_PER_PART, RawEncoder

    class SoftmaxAttention(LinearAttention):
        def forward(self, parts, masks):
            x = torch.cat(tuple(parts), dim=1)
            q, k, v = (
                split_heads(part, self.heads).transpose(1, 2)
                for part in self.query_key_value(x).chunk(3, -1)
            )
            attended = functional.scaled_dot_product_attention(q, k, v)
            attended = self.output(attended.transpose(1, 2).flatten(-2))
            return attended.split(STEPS_PER_PART, dim=1)

    torch.manual_seed(0)
    size = PointerParams(size=size_name).dimensions
    encoder = RawEncoder(size, n_mels=N_MELS, stems=False)
    if kind == "softmax":
        for layer in encoder.layers:
            layer.attention = SoftmaxAttention(size.width, heads=size.heads)
    return encoder.train(), size.stride


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


def measure(kind: str, frames: int, *, size: str, backward: bool, threads: int, repeats: int):
    """Shortest of `repeats` passes, and the peak memory of all."""
    import torch

    torch.set_num_threads(threads)
    encoder, stride = build(size, kind)
    mel = torch.rand(1, N_MELS, -(-frames // stride) * stride)
    lengths = torch.tensor([mel.shape[-1] // stride])

    def one_pass():
        with torch.set_grad_enabled(backward):
            memory = encoder(mel, None, lengths)
            if backward:
                (memory.states.square().mean() + memory.summary.square().mean()).backward()

    # Libraries load and threads start on a short input, outside the measured memory.
    encoder(mel[..., : 64 * stride], None, torch.tensor([64]))
    seconds = []
    with PeakMemory() as memory:
        for _ in range(repeats):
            start = time.perf_counter()
            one_pass()
            seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds), "megabytes": memory.megabytes}


def in_own_process(kind: str, frames: int, given: argparse.Namespace, *, backward: bool) -> dict:
    command = [sys.executable, __file__, "--case", kind, str(frames), str(int(backward))]
    options = ["--size", given.size, "--threads", str(given.threads), "--repeats"]
    # One softmax pass over 50,000 frames takes minutes: once will do.
    repeats = 1 if kind == "softmax" and frames > 20_000 else given.repeats
    done = subprocess.run([*command, *options, str(repeats)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def compare(given: argparse.Namespace, *, backward: bool) -> float:
    print(f"\n{'forward and backward' if backward else 'forward'}, size {given.size}")
    print(f"{'frames':>8}{'linear':>20}{'softmax':>20}{'softmax / linear':>24}")
    results = {}
    for frames in FRAMES:
        for kind in ("linear", "softmax"):
            if kind == "linear" or frames <= given.softmax_frames:
                results[kind, frames] = in_own_process(kind, frames, given, backward=backward)
        cells = [
            results[kind, frames] for kind in ("linear", "softmax") if (kind, frames) in results
        ]
        times = [cell["seconds"] for cell in cells]
        sizes = [cell["megabytes"] for cell in cells]
        row = "".join(f"{t:>9.2f} s{m:>6.0f} MB" for t, m in zip(times, sizes, strict=True))
        ratios = f"{times[-1] / times[0]:>11.1f} x time {sizes[-1] / sizes[0]:>4.1f} x memory"
        ratios = ratios if len(cells) == 2 else ""
        print(f"{frames:>8}  {row}  {ratios}", flush=True)
    short, long = FRAMES[0], FRAMES[-1]
    for kind in ("linear", "softmax"):
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
    parser.add_argument("--size", default="full", choices=["mini", "full"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    help_text = "longest input that softmax attention gets; 50,000 frames take it minutes"
    parser.add_argument("--softmax-frames", type=int, default=FRAMES[-1], help=help_text)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        kind, frames, backward = given.case
        options = {"size": given.size, "threads": given.threads, "repeats": given.repeats}
        result = measure(kind, int(frames), backward=backward == "1", **options)
        print(json.dumps(result))
        return
    ratios = [compare(given, backward=backward) for backward in (False, True)]
    print(f"\nlinear, 50,000 / 5,000 frames: {max(ratios):.1f} (at most {LARGEST_RATIO:.0f})")
    sys.exit(max(ratios) > LARGEST_RATIO)


if __name__ == "__main__":
    main()
