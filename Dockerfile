# The service as a container: one image, a user without rights, nothing written.
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
COPY reference_ranges reference_ranges
COPY sboms sboms
RUN python -m venv --without-pip /opt/labinterp && pip --python /opt/labinterp/bin/python install --no-cache-dir '.[service,report,hl7v2,excel,cli]'

FROM python:3.11-slim
COPY --from=build /opt/labinterp /opt/labinterp
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin labinterp
USER 10001
ENV PATH=/opt/labinterp/bin:$PATH PYTHONDONTWRITEBYTECODE=1 LABINTERP_HOST=0.0.0.0 LABINTERP_PORT=8080 LABINTERP_LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['LABINTERP_PORT'] + '/health', timeout=4)"]
ENTRYPOINT ["labinterp"]
CMD ["serve"]
