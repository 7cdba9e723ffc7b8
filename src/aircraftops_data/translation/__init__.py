"""Between entities and DynamoDB: item codec and expressions."""
