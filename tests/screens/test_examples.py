"""The docs show what the tool shows; docs/cli.md has every option that there is."""

import re

import click
import pytest

from builder.cli import COMMANDS, envbuild
from tests.screens.examples import CONSOLE, ENGINE, PAGE, PAGES, fresh, undated

TEXT = PAGE.read_text()


def options(name: str) -> set[str]:
    command = envbuild.get_command(click.Context(envbuild), name)
    commands = [command, *command.commands.values()] if isinstance(command, click.Group) else [command]
    params = [option for each in commands for option in each.params]
    return {word for option in params for word in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_show_what_the_tool_shows(page):
    text = page.read_text()
    assert CONSOLE.search(text)
    assert undated(fresh(text)) == undated(text)


def test_every_command_has_an_example():
    shown = {found[1].split()[0] for found in CONSOLE.finditer(TEXT)}
    assert shown == set(COMMANDS) - {"completion"}  # a screen of click's, which is its version's
    assert len([found for found in CONSOLE.finditer(TEXT) if found[1].startswith(ENGINE)]) < len(
        CONSOLE.findall(TEXT)
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_none_invented(name):
    """`--keep-going` is the default and needs no words of its own; neither has `--gpus`."""
    known = {option for each in COMMANDS for option in options(each)} | {"--help"}
    ours = re.sub(r"`cosign\s[^`]*`", "", TEXT)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours))
    long = {option for option in options(name) if option.startswith("--")}
    assert long - {"--keep-going", "--gpus", "--jobs"} <= named
    assert named <= known


def test_the_examples_in_the_help_texts_are_commands_that_can_be_typed():
    for name in COMMANDS:
        help_text = envbuild.get_command(click.Context(envbuild), name).help
        typed = re.findall(rf"envbuild {name} (.*)", help_text)
        assert len(typed) >= 2
        assert set(re.findall(r"(?<= )--?[a-z-]+", " ".join(typed))) <= options(name) | {"-r"}
