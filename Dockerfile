# roleproxy in the place of the haproxy image: the same paths, user and command
# line. docker build --build-arg BASE=debian:12-slim -t roleproxy .
ARG BASE=debian:12-slim

FROM ${BASE} AS build
RUN apt-get update -q && apt-get install -q -y --no-install-recommends \
	gcc libc6-dev make pkg-config libevent-dev libinih-dev libjansson-dev libpcre2-dev
WORKDIR /src
COPY . .
RUN make -s -j"$(nproc)" CFLAGS=-O2 LDFLAGS=-s

FROM ${BASE}
RUN apt-get update -q && apt-get install -q -y --no-install-recommends \
	libevent-core-2.1-7 libevent-extra-2.1-7 libinih1 libjansson4 libpcre2-8-0 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old \
	/var/lib/dpkg/*-old /var/log/apt /var/log/dpkg.log \
    && groupadd --system --gid 99 haproxy \
    && useradd --system --uid 99 --gid haproxy --no-create-home \
	--home-dir /var/lib/haproxy haproxy \
    && mkdir -p /etc/roleproxy /usr/local/etc/haproxy \
    && install -d -o haproxy -g haproxy /run/roleproxy /run/haproxy /var/lib/haproxy \
    && ln -s roleproxy /usr/local/sbin/haproxy
COPY --from=build /src/roleproxy /usr/local/sbin/roleproxy

# By number: Kubernetes cannot tell that a name is not root.
USER 99:99
# Opened whatever the configuration says; roleproxy ctl asks there.
ENV ROLEPROXY_SOCKET=/run/roleproxy/control.sock
EXPOSE 9000 5001 8404
# A warning, as of one server that is down, is no reason to replace the proxy.
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=6 \
    CMD roleproxy ctl check || [ $? -eq 1 ]
ENTRYPOINT ["roleproxy"]
