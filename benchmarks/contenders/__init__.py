"""One module a contender: its model of the airframe, and the paths it goes."""
