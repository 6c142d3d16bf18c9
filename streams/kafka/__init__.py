"""How records come in from Kafka, by way of Faust and aiokafka: clients, the transport, and what had to be mended."""
