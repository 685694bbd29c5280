SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STACK ?= local
# What a shell needs so that plain `pulumi` and `estate` work here.
ENVIRONMENT = eval "$$(toolchain/env)"; eval "$$(lab/lab env)"

.PHONY: help install up down env check test bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: node_modules/.package-lock.json ## Node packages, and the Pulumi toolchain where its own downloads are out of reach
	@toolchain/install

node_modules/.package-lock.json: package-lock.json
	@npm ci --no-audit --no-fund

up: install ## a local data centre, and the whole estate on it; ends with the table of `estate check`
	@lab/up

down: node_modules/.package-lock.json ## take every process, mount, namespace and file of the lab away
	@lab/lab down

env: node_modules/.package-lock.json ## the exports for typing `pulumi preview --stack local` yourself: eval "$$(make env)"
	@toolchain/env; lab/lab env

check: node_modules/.package-lock.json ## types, lint and unit tests
	@npx tsc --noEmit
	@npx biome check .
	@npx vitest run --project unit

test: up ## everything that proves the project, on real servers
	@$(ENVIRONMENT); test/run

bench: up ## the budgets of docs/architecture.md as ratios, measured in this run
	@$(ENVIRONMENT); npx tsx bench/main.ts

clean: down ## also forget the caches
	@rm -rf "$${ESTATE_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/database-estate}"
