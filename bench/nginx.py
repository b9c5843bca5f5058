"""The yardstick: Debian's nginx answering `return 204`, one process."""

from __future__ import annotations

from pathlib import Path

from .processes import Child, find_program, free_port, listens

_CONFIG = """\
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""


class Nginx(Child):
    def __init__(self, folder: Path, core: int) -> None:
        self.port = free_port()
        config = folder / "nginx.conf"
        config.write_text(_CONFIG.format(folder=folder, port=self.port))
        command = [find_program("nginx"), "-e", f"{folder}/error.log", "-c", str(config), "-p", str(folder)]
        super().__init__(command, folder / "nginx.log", core=core)
        self.wait_until("nginx listening", lambda: listens(self.port))
