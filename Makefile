SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Where chroot, ip and nft are, which not every root shell has on its path.
export PATH := $(PATH):/usr/sbin:/sbin

STACK ?= local
# What a shell needs so that plain `pulumi` and `estate` work here.
ENVIRONMENT = eval "$$(toolchain/env)"; eval "$$(lab/lab env)"

# The stack's own environment comes from the shell; the lab's stack has it from the lab.
OF_STACK = eval "$$(toolchain/env)"; if [ "$(STACK)" = local ]; then eval "$$(lab/lab env)"; fi
# Two steps, for `eval` of a command that fails does not fail.
WAY_IN = way_in="$$(npx estate tunnel --stack $(STACK) --background)"; eval "$$way_in"
POLICIES = --policy-pack policy --policy-pack-config policy/config.$(STACK).json
PULUMI_UP = pulumi up --stack $(STACK) --yes --non-interactive $(POLICIES)

.PHONY: help prerequisites programs install hosts up down env preview deploy rotate backup-check check digests schemas pages test drill bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

prerequisites:
	@toolchain/prerequisites node npm go

# What the lab and the throw-away servers of tests call on this machine: one table for all of them, lab/programs.ts.
programs: node_modules/.package-lock.json
	@lab/lab programs

install: prerequisites node_modules/.package-lock.json ## Node packages, and the Pulumi toolchain where its own downloads are out of reach
	@toolchain/install

node_modules/.package-lock.json: package-lock.json
	@toolchain/prerequisites node npm
	@npm ci --no-audit --no-fund

# The engine is built (on a first run) while the hosts are made: the one computes, the other downloads and unpacks.
up: prerequisites programs ## a local data centre, and the whole estate on it; ends with the table of `estate check`
	@$(MAKE) --no-print-directory --jobs=2 install hosts
	@lab/up

hosts: programs
	@lab/lab up

down: node_modules/.package-lock.json ## take every process, mount, namespace and file of the lab away
	@lab/lab down

env: node_modules/.package-lock.json ## the exports for typing `pulumi preview --stack local` yourself: eval "$$(make env)"
	@toolchain/env; lab/lab env

preview: install ## what an `up` of STACK would change, under the policies; needs no server
	@$(OF_STACK); pulumi preview --stack $(STACK) --diff --non-interactive $(POLICIES)

deploy: install ## `up` of STACK under the policies, through the tunnel, and the proof after it
	@$(OF_STACK); $(WAY_IN); $(PULUMI_UP); npx estate check --stack $(STACK) --privileges; npx estate lint --stack $(STACK); npx estate check --stack $(STACK) --secrets

rotate: install ## the same `up`, which rotates what is due, and who still uses what
	@$(OF_STACK); $(WAY_IN); $(PULUMI_UP); npx estate rotate --stack $(STACK) --status; npx estate check --stack $(STACK) --secrets

backup-check: install ## whether every backup of STACK is there, fresh and whole
	@$(OF_STACK); npx estate backup status --stack $(STACK)

check: node_modules/.package-lock.json ## types, lint and unit tests
	@npx tsc --noEmit
	@npx biome check .
	@npx vitest run --project unit

schemas: programs ## sql/<database>/schema.sql anew, from throw-away servers with all migrations applied
	@npx tsx test/support/make-schemas.ts

digests: node_modules/.package-lock.json ## policy/digests.json anew, from what the program runs on hosts
	@npx tsx policy/make-digests.ts

pages: node_modules/.package-lock.json ## docs/row-level-security/ anew, from what is declared
	@npx tsx ops/make-pages.ts

test: up ## everything that proves the project, on real servers
	@$(ENVIRONMENT); test/run

drill: up ## destroy the lab's database hosts, restore all from the bucket alone, and prove it; the report goes to OUT
	@$(ENVIRONMENT); npx tsx test/drill/main.ts $(if $(OUT),--out "$(OUT)")

bench: up ## the budgets of docs/architecture.md as ratios, measured in this run
	@$(ENVIRONMENT); npx tsx bench/main.ts

clean: down ## also forget the caches
	@rm -rf "$${ESTATE_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/database-estate}"
