# roleproxy: build, test, install. `make help` lists the targets.

CC	 = gcc
CFLAGS	 = -O2 -g
PREFIX	 = /usr/local
# Debian's, which has Debian's modules, where there is one.
PYTHON	 = $(firstword $(wildcard /usr/bin/python3) python3)
BUILD	 = build

WARN	 = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	   -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 $(WERROR)
ALLCFLAGS = -std=gnu11 -D_GNU_SOURCE -pthread -I. $(WARN) $(CFLAGS) $(SANITIZE)
LIBS	 = -levent_core -levent_extra -linih -ljansson -lpcre2-8 -lm -pthread

BASE	 = base/addr.c base/alloc.c base/clock.c base/histogram.c base/log.c base/log_fields.c base/log_out.c base/net.c base/pattern.c \
	   base/proxy_header.c base/resolve.c base/units.c
CONF	 = conf/backend.c conf/branch.c conf/cfg.c conf/cfg_backend.c conf/cfg_bind.c \
	   conf/cfg_check.c conf/cfg_global.c conf/cfg_option.c \
	   conf/cfg_pool.c conf/cfg_proxy.c conf/cfg_rules.c \
	   conf/cfg_sentinel.c conf/cfg_server.c conf/cfg_table.c \
	   conf/cfg_words.c conf/cfg_write.c conf/check.c conf/condition.c \
	   conf/copy.c conf/files.c conf/format.c conf/ini.c conf/keys.c conf/load.c \
	   conf/parse.c conf/rule_text.c conf/script.c conf/step.c conf/target.c \
	   conf/problem.c conf/to_ini.c conf/url.c
HEALTH	 = health/admin.c health/cause.c health/check.c health/cluster.c \
	   health/discover.c health/duty.c health/expect.c \
	   health/failover.c health/flap.c health/gossip.c health/group.c health/hcheck.c health/hlines.c health/hello.c \
	   health/info.c health/lag.c health/link.c health/member.c \
	   health/monitor.c health/observation.c health/operate.c health/order.c health/outcome.c \
	   health/place.c health/probe.c health/publisher.c health/readers.c \
	   health/report.c health/resp.c health/role.c health/script.c health/sentinel.c \
	   health/sentinels.c health/shards.c health/snapshot.c \
	   health/switchover.c health/verdict.c health/view.c health/watch.c \
	   health/witness.c health/writer.c
PROXY	 = proxy/balance.c proxy/branch.c proxy/census.c proxy/ending.c proxy/endpoint.c proxy/frontend.c proxy/loop.c \
	   proxy/preface.c proxy/proxy.c proxy/relay.c proxy/route.c proxy/session.c \
	   proxy/session_log.c proxy/sweep.c proxy/tally.c proxy/transfer.c proxy/worker.c
STATS	 = stats-ui/alarm.c stats-ui/assets.c stats-ui/auth.c stats-ui/cli.c stats-ui/cluster.c \
	   stats-ui/columns.c stats-ui/commands.c stats-ui/control.c stats-ui/exposition.c stats-ui/fields.c \
	   stats-ui/history.c stats-ui/hstate.c stats-ui/hstats.c \
	   stats-ui/hstats_json.c stats-ui/html.c stats-ui/http.c stats-ui/httpd.c \
	   stats-ui/info.c stats-ui/json.c stats-ui/markup.c stats-ui/metrics.c stats-ui/post.c stats-ui/prometheus.c \
	   stats-ui/proxies.c stats-ui/query.c stats-ui/reason.c stats-ui/rows.c \
	   stats-ui/runtime.c stats-ui/runtime_list.c stats-ui/runtime_own.c stats-ui/runtime_proxy.c \
	   stats-ui/runtime_sess.c stats-ui/runtime_set.c \
	   stats-ui/runtime_show.c stats-ui/samples.c stats-ui/spark.c \
	   stats-ui/status.c stats-ui/tables.c stats-ui/topology.c stats-ui/words.c
SRCS	 = ctl.c ctl_color.c ctl_link.c ctl_watch.c main.c messages.c options.c parts.c process.c resources.c run.c service.c upgrade.c $(BASE) $(CONF) $(HEALTH) $(PROXY) $(STATS)
OBJS	 = $(SRCS:%.c=$(BUILD)/%.o)
BIN	 = $(if $(filter build,$(BUILD)),roleproxy,$(BUILD)/roleproxy)

# What each unit test is linked with besides itself, and nothing more: the link
# line proves the layering. tests/unit/test_X.c needs a line UNIT_X here.
FAKE	     = tests/unit/stats_fake.c tests/unit/operate_fake.c
UNIT_addr    = base/addr.c base/units.c
UNIT_admin   = health/admin.c
UNIT_balance = proxy/balance.c
UNIT_cfg     = $(UNIT_conf)
UNIT_cfg_words = base/addr.c base/clock.c base/alloc.c base/log.c base/log_fields.c base/log_out.c base/units.c conf/cfg_words.c
UNIT_cluster = base/addr.c base/units.c health/cluster.c
UNIT_conf    = base/addr.c base/clock.c base/alloc.c base/log.c base/log_fields.c base/log_out.c base/pattern.c base/units.c $(CONF)
UNIT_condition = conf/condition.c
UNIT_copy    = $(UNIT_conf)
UNIT_control = $(UNIT_stats)
UNIT_engine  = $(BASE) conf/cfg_words.c conf/format.c conf/step.c health/expect.c health/hcheck.c \
	       conf/backend.c health/observation.c health/place.c health/script.c
UNIT_ending  = proxy/ending.c
UNIT_failover = health/failover.c
UNIT_flap    = health/flap.c
UNIT_hcheck  = conf/backend.c health/hcheck.c health/observation.c
UNIT_hello   = health/hello.c health/resp.c
UNIT_histogram = base/histogram.c
UNIT_hstats  = $(UNIT_stats)
UNIT_httpd   = $(UNIT_stats)
UNIT_info    = health/info.c health/observation.c
UNIT_lag     = health/lag.c
UNIT_metrics = $(UNIT_stats)
UNIT_link    = $(BASE) health/link.c health/resp.c
UNIT_log     = base/addr.c base/clock.c base/alloc.c base/log.c base/log_fields.c base/log_out.c base/units.c
UNIT_probe   = $(BASE) health/info.c health/observation.c health/probe.c \
	       health/resp.c
UNIT_proxy_header = base/addr.c base/proxy_header.c base/units.c
UNIT_relay   = tests/unit/relay_programs.c base/clock.c proxy/endpoint.c proxy/relay.c
UNIT_resolve = base/addr.c base/clock.c base/alloc.c base/log.c base/log_fields.c base/log_out.c base/resolve.c base/units.c
UNIT_resp    = health/resp.c
UNIT_role    = health/observation.c health/role.c
UNIT_runtime = $(UNIT_stats)
UNIT_samples = $(UNIT_stats)
UNIT_script  = $(UNIT_step) conf/script.c
UNIT_snapshot = base/addr.c base/units.c health/snapshot.c
UNIT_stats   = $(FAKE) $(CONF) base/addr.c base/clock.c base/alloc.c base/histogram.c base/log.c base/log_fields.c base/log_out.c base/net.c base/pattern.c \
	       base/units.c health/observation.c health/role.c health/witness.c \
	       health/cause.c health/writer.c health/admin.c health/hcheck.c $(STATS)
UNIT_step    = base/addr.c base/alloc.c base/clock.c base/log.c base/log_fields.c base/log_out.c base/pattern.c base/units.c \
	       conf/cfg_words.c conf/step.c conf/format.c
UNIT_tally   = proxy/tally.c
UNIT_target  = $(UNIT_conf)
UNIT_units   = base/units.c
UNIT_url     = $(UNIT_conf)
UNIT_verdict = health/verdict.c
UNIT_witness = health/witness.c
SITUATION    = tests/unit/writer_situation.c
UNIT_writer  = $(SITUATION) health/observation.c health/cause.c health/writer.c
UNIT_writer_random = $(UNIT_writer)
UNIT_writer_sequence = tests/unit/world.c $(UNIT_failover) $(UNIT_verdict) \
	       $(UNIT_witness) $(UNIT_writer)
unit_objs = $(UNIT_$1:%.c=$(BUILD)/%.o)
UNITS	 = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

# The same for the fuzzers, tests/fuzz/fuzz_X.c.
FUZZ_ini     = $(UNIT_conf)
FUZZ_cfg     = $(FUZZ_ini)
FUZZ_hello   = health/hello.c health/resp.c
FUZZ_proxy_header = base/addr.c base/proxy_header.c base/units.c
FUZZ_resp    = health/info.c health/observation.c health/resp.c
FUZZ_url     = $(FUZZ_ini)
FUZZERS	 = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS = 600
CHAOS	 = --full

S	 = tests/scripts
LINT	 = $(wildcard $(S)/include-dag.sh $(S)/headers.sh $(S)/style.sh \
	   $(S)/keys.sh $(S)/shell.sh)
CFILES	 = $(wildcard *.[ch] */*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
ASAN	 = BUILD=build-asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
	   SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"
# Some kernels randomise addresses more than TSan can take.
PLAIN	 = $(shell setarch -R true 2>/dev/null && echo setarch -R)
TSAN	 = E2E_WRAP="$(PLAIN)" BUILD=build-tsan CFLAGS="-O1 -g" SANITIZE=-fsanitize=thread

.PHONY: all help deps unit unit-bins e2e e2e-full chaos chaos-full docker asan asan-e2e tsan tsan-e2e \
	valgrind fuzz clang lint fmt-check fmt check check-full bench demo \
	install deb uninstall clean FORCE
.SECONDARY:
.SECONDEXPANSION:

all: $(BIN)				## build ./roleproxy (the default)

$(BIN): $(OBJS)
	$(CC) $(ALLCFLAGS) $(LDFLAGS) -o $@ $(OBJS) $(LIBS)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/stats-ui/assets.o: stats-ui/page.css stats-ui/page.js

$(BUILD)/flags: FORCE	# other flags: compile again
	@mkdir -p $(@D)
	@echo '$(CC) $(ALLCFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALLCFLAGS)' >$@

$(BUILD)/unit/test_%: $(BUILD)/tests/unit/test_%.o \
    $$(call unit_objs,$$*)
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $^ \
	    $$(pkg-config --libs check) $(LIBS)

help:					## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 14

deps:					## install the Debian packages that are missing
	@$(S)/deps.sh test

unit-bins: $(UNITS)
unit: unit-bins				## unit tests, one binary each
	@$(S)/unit.sh $(UNITS)

e2e: $(BIN) $(BUILD)/bench/connect	## end-to-end tests on real Redis and Sentinel (E2E=options)
	@ROLEPROXY=$(CURDIR)/$(BIN) $(E2E_WRAP) $(PYTHON) tests/e2e/run.py $(E2E)

e2e-full:				## the same with the long ones
	@$(MAKE) e2e E2E=--full

chaos: $(BIN)				## three faults on real Redis and Sentinel (needs root)
	@ROLEPROXY=$(CURDIR)/$(BIN) $(PYTHON) tests/e2e/chaos/run.py --quick
chaos-full:				## all faults, HAProxy beside it (CHAOS=--full)
	@$(S)/deps.sh full
	@$(MAKE) all
	@ROLEPROXY=$(CURDIR)/$(BIN) $(PYTHON) tests/e2e/chaos/run.py $(CHAOS)

docker:					## the image and the compose stack, where Docker runs
	@timeout -k 20 400 $(PYTHON) tests/e2e/docker/run.py

asan:					## unit tests under ASan and UBSan
	@$(MAKE) $(ASAN) unit
asan-e2e:
	@$(MAKE) $(ASAN) e2e E2E=--short
tsan:					## a short end-to-end run under TSan
	@$(MAKE) $(TSAN) e2e E2E=--short
tsan-e2e:				## all of it under TSan
	@$(MAKE) $(TSAN) e2e
valgrind: unit-bins			## unit tests under valgrind
	@WRAP='valgrind -q --error-exitcode=9 --leak-check=full' $(S)/unit.sh $(UNITS)

fuzz:					## each fuzzer for FUZZ_SECONDS
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(S)/fuzz.sh $(FUZZERS)
fuzz_%: FORCE
	@mkdir -p build-fuzz
	clang $(ALLCFLAGS) -O1 -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=all -o build-fuzz/$@ tests/fuzz/$@.c \
	    $(FUZZ_$*) -Wl,--as-needed $(LIBS)

clang:					## compile with clang too
	@$(MAKE) CC=clang BUILD=build-clang build-clang/roleproxy

lint: $(BIN)				## include order, headers, style, keys, shell
	@$(S)/tally.sh $(LINT)
fmt-check:				## is everything formatted?
	@$(S)/fmt-check.sh $(CFILES)
fmt:					## format everything
	clang-format -i $(CFILES)

check: deps				## build, unit, lint, e2e, chaos: under ten minutes
	+@WERROR=-Werror $(S)/tally.sh all clang unit lint fmt-check e2e chaos
check-full:				## all of that, sanitizers, valgrind, fuzzers, long runs
	@$(S)/deps.sh full
	+@WERROR=-Werror $(S)/tally.sh all clang unit lint fmt-check e2e-full chaos-full \
	    asan asan-e2e tsan-e2e valgrind fuzz

bench:					## compare with HAProxy and nginx (ROUNDS=7 SCALE=1 PART=1,2,3)
	@$(S)/deps.sh bench
	@$(MAKE) all $(BUILD)/bench/connect
	@$(PYTHON) tests/bench/run.py --connect $(BUILD)/bench/connect
$(BUILD)/bench/connect: $(BUILD)/tests/bench/connect.o
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^

demo:					## Redis, Sentinels and roleproxy to try (FAILOVER=1)
	@$(S)/deps.sh demo
	@$(MAKE) all
	@FAILOVER=$(FAILOVER) ROLEPROXY=$(CURDIR)/$(BIN) deploy/demo.sh

install: $(BIN)				## into $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/sbin/roleproxy
	install -D -m 644 man/roleproxy.8 $(DESTDIR)$(PREFIX)/share/man/man8/roleproxy.8
	install -D -m 644 man/roleproxy.ini.5 $(DESTDIR)$(PREFIX)/share/man/man5/roleproxy.ini.5
	install -D -m 644 conf/roleproxy.ini $(DESTDIR)$(PREFIX)/share/doc/roleproxy/roleproxy.ini
	install -D -m 644 conf/minimal.ini $(DESTDIR)$(PREFIX)/share/doc/roleproxy/minimal.ini
deb:					## a Debian package, in the folder above
	dpkg-buildpackage -us -uc -b
uninstall:				## and out of it again
	rm -f $(DESTDIR)$(PREFIX)/sbin/roleproxy $(DESTDIR)$(PREFIX)/share/man/man8/roleproxy.8 \
	    $(DESTDIR)$(PREFIX)/share/man/man5/roleproxy.ini.5
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/roleproxy
clean:					## remove what was built
	rm -rf build build-asan build-tsan build-clang build-fuzz roleproxy

-include $(OBJS:.o=.d) $(wildcard $(BUILD)/tests/*/*.d)
