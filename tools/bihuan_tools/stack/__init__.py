"""Real servers from packages: PostgreSQL, Kafka, Redis and a mail sink, each with its own folder and port."""

from bihuan_tools.stack.kafka import KafkaServer
from bihuan_tools.stack.mail import MailSink
from bihuan_tools.stack.postgres import PostgresServer
from bihuan_tools.stack.process import StackError, free_port
from bihuan_tools.stack.redis import RedisServer

__all__ = ["KafkaServer", "MailSink", "PostgresServer", "RedisServer", "StackError", "free_port"]
