"""Advice → a matrix file to begin with, each choice with its reason."""

from __future__ import annotations

from textwrap import wrap

from builder.advice import Advice, capabilities
from builder.facts import Facts
from builder.machine import Machine
from builder.report.doctor import name_of
from builder.report.look import shown

WIDTH = 100


def text(machine: Machine, advice: Advice, facts: Facts) -> str:
    """The file. It plans without a mistake by the tables that the advice was made of."""
    why = dict(advice.why)
    cudas: list[str] = ["cpu"]
    needed: tuple[str, ...] = ()
    if advice.cuda != "cpu":
        cudas, needed = [f'"{advice.cuda}"'], capabilities(machine, facts)
        if "cpu" in facts.torch[advice.torch].builds(machine.arch):
            cudas.append("cpu")
            why["cuda"] += "; cpu is for machines without a GPU, such as CI"
    lines = [
        *_comment(f"Made by `envbuild init`, by tables of {facts.date}, for: {name_of(machine)}."),
        "# docs/matrix.md tells what else can be written here; `envbuild plan` shows what it means.",
        *(line for caution in cautions(machine, advice) for line in ("#", *_comment(caution))),
        "version: 1",
        "",
        "# Where `envbuild publish` sends the images: write your own registry and repository.",
        "image: registry.example.com/team/torch",
        "",
        "matrix:",
        *_axis("os", advice.os, why["os"]),
        *_axis("python", f'"{advice.python}"', why["python"]),
        *_axis("cuda", ", ".join(cudas), why["cuda"]),
        *_axis("torch", f'"{advice.torch}"', why["torch"]),
        "",
        "packages:",
        "  pip: [torchvision, torchaudio]",
    ]
    if machine.arch == "aarch64":
        lines += ["", "platform: linux/arm64"]
    if needed:
        listed = ", ".join(f'"{capability}"' for capability in needed)
        lines += ["", "# What every CUDA image must have kernels for.", f"verify: {{gpus: [{listed}]}}"]
    return "\n".join((*lines, ""))


def cautions(machine: Machine, advice: Advice) -> tuple[str, ...]:
    """What stands in the way of these images on that machine, a sentence or two each."""
    told = []
    silent = [one.name for one in machine.services if not one.answers]
    if silent:
        told.append(
            f"No answer from here: {', '.join(silent)}. `envbuild lock` and `build` need what the cells take"
            " from there: set a mirror of your own, or run them on another machine."
        )
    if machine.nvidia_smi:
        told.append(f"nvidia-smi does not tell what is there: {machine.nvidia_smi}. Ask again when it does.")
    if advice.driver:
        told.append(f"CUDA {advice.cuda} needs driver {advice.driver}: {dict(advice.why)['driver']}.")
    return tuple(told)


def _axis(key: str, values: str, why: str) -> list[str]:
    return [*(f"  {line}" for line in _comment(why)), f"  {key}: [{values}]"]


def _comment(text: str) -> list[str]:
    """What others wrote (a GPU's name) stays a comment: on lines of ours, without control characters."""
    return [f"# {line}" for line in wrap(shown(text.replace("\n", " ")), WIDTH, break_long_words=False)]
