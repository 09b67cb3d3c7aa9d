"""Names of runs: short, readable, easy to say aloud."""

from __future__ import annotations

import random

FIRST = """
able agile amber apt bold brave bright brisk calm candid clear clever cool crisp deft eager early fair fast fine fond
free fresh gentle glad golden good grand green happy hardy honest ideal jolly keen kind lean light lively loyal lucid
mellow merry mild modest neat nimble noble opal patient plain polite proud pure quick quiet rapid ready royal sharp
shiny silent silver sleek smart smooth snowy solid sound spry steady still stout sunny sure swift tidy trim true vivid
warm wise witty young
"""
SECOND = """
ant badger bear beaver bee bison bobcat camel cat crane crow deer dingo dove duck eagle eel elk falcon ferret finch
fox frog gecko goat goose gull hare hawk heron horse ibex ibis jay koala lark lemur lion llama lynx magpie marten mole
moose mouse newt ocelot orca oriole osprey otter owl ox panda parrot pika pony puffin puma quail rabbit raven robin
salmon seal shrew skunk sloth snail sparrow squid stoat stork swan tapir tern tiger toad trout turtle viper vole walrus
weasel whale wolf wren yak zebra
"""


def draw() -> str:
    """``brisk-otter-412``: one of some eight million; the pipeline's seed has no part in it."""
    chance = random.SystemRandom()
    return f"{chance.choice(FIRST.split())}-{chance.choice(SECOND.split())}-{chance.randint(1, 999)}"
