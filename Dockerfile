# docker build -t kubeshark-mcp . && docker run --interactive --rm --volume "$PWD:/captures:ro" kubeshark-mcp --pcap /captures/my.pcap
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY kubeshark_mcp kubeshark_mcp
COPY plugins plugins
COPY skills skills
COPY scripts/plugin_server.py scripts/plugin_server.py
RUN python -m venv /opt/kubeshark \
 && python -c "import sys; sys.path.insert(0, 'scripts'); import plugin_server as p; open('/tmp/versions', 'w').write(p.versions(open('requirements.lock').read()))" \
 && /opt/kubeshark/bin/pip install --no-cache-dir --disable-pip-version-check -c /tmp/versions .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home kubeshark && install -d -o kubeshark /data
COPY --from=build /opt/kubeshark /opt/kubeshark
USER 10001
ENV PATH=/opt/kubeshark/bin:$PATH KUBESHARK_WORKSPACE=/data PYTHONUNBUFFERED=1
VOLUME /data
WORKDIR /data
ENTRYPOINT ["kubeshark-mcp"]
