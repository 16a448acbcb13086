"""What the JSON and JSONC serializers share, each module imported when it is first needed."""
