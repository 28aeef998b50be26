"""The wages that an employer declares for a contribution year (职工基数申报)."""
