"""The languages in which Search Console can be used, by their names in CLDR."""

FREQUENT = ("en", "de", "fr", "es", "it", "nl", "pt")
LANGUAGES = (
    *FREQUENT,
    *("ar", "bg", "ca", "cs", "da", "el", "es_419", "fi", "fil", "he"),
    *("hi", "hr", "hu", "id", "ja", "ko", "lt", "lv", "nb", "pl", "pt_PT", "ro", "ru", "sk", "sl", "sr", "sv", "th"),
    *("tr", "uk", "vi", "zh_Hans", "zh_Hant", "en_GB"),
)
