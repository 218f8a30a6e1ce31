"""A broker of three machines, one of which dies in the midst of it: RabbitMQ with the generated settings, real gates, real recorder."""
