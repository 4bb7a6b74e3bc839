# Strata's image: Node, the bundle and the chart renderer, and no shell. Build it at the top of the repository:
#
#   docker build --build-arg VERSION=0.1.0 -t registry.example/strata:0.1.0 .
#
# Both build stages run on the machine's own platform; only what they make is for the target's.
# A release pins the three base images by digest (name:tag@sha256:…).

FROM --platform=$BUILDPLATFORM golang:1.26-trixie AS render
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY render/go.mod render/go.sum ./
RUN go mod download
COPY render/ ./
# The flags of scripts/tools.mjs: static, without paths of this machine.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w" -o /out/strata-render .

FROM --platform=$BUILDPLATFORM node:24-trixie-slim AS bundle
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# No package may run anything of its own while it is installed; esbuild works without that.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts/build.mjs scripts/
COPY src/ src/
RUN node scripts/build.mjs && rm dist/*.map

FROM gcr.io/distroless/nodejs24-debian13:nonroot
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Strata" \
      org.opencontainers.image.description="Profiles of layers, reconciled in order into Kubernetes clusters" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# Threads for look-ups of names (a silent name server holds one), files and compression: see the chart's Deployment.
ENV NODE_ENV=production \
    UV_THREADPOOL_SIZE=64
WORKDIR /app
COPY LICENSE ./
COPY --from=bundle /src/dist/ ./
COPY --from=render /out/strata-render ./
# By number, so that Kubernetes can tell that it is not root. Nothing is written to disk.
USER 65532:65532
EXPOSE 8080
# The base image's entry point is node; it gets signals itself, as process 1.
CMD ["operator.js"]
