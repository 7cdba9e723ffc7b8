"""What the sources leave unsaid: type designators by model, operators by the names they go under, country names."""

import re

_FAA_MODELS = """
AA5  AA-5[AB]|AG-5B
B190 1900D
B350 B300C?|(SUPER )?KING AIR 350(ER)?
B36T B36TC
BE20 [AB]200(GT|C|CT)?
BE36 A36|G36
BE40 400A
BE58 58|G58
BE9L C90(A|GTI?)
C56X 560XLS?
CL60 CL-?600-2B16.*|CL-600-2A12
CRJ2 CL-600-2B19
CRJ7 CL-600-2C1[01]
CRJ9 CL-600-2D24
CRJX CL-600-2E25
DH8D DHC-8-402
E120 EMB-120.*
E135 EMB-135(LR|KL|ER)?
E145 EMB-145(LR|EP)?
E170 ERJ 170-100.*
E190 ERJ 190-100.*
E35L EMB-135BJ
E45X EMB-145XR
E50P EMB-500
E545 EMB-545
E550 EMB-550
E55P EMB-505
E75L ERJ 170-200.*
EA50 EA500
F2TH FALCON 2000(EX)?
F900 (MYSTERE )?FALCON 900.*
FA50 (MYSTERE.)?FALCON 50.*
FA7X FALCON 7X
GA4C GVII-G400
GA5C GVII-G500
GA6C GVII-G600
GA7C GVIII-G700
GA8C GVIII-G800
GL5T BD-700-1A11
GL7T BD-700-2A12
GLEX BD-700-1A10
GLF4 G-?IV.*
GLF5 G-V|GV-SP.*
GLF6 GVI( .*)?
H25B HAWKER (750|800|850|900)(XP)?|BAE 125-800A|HS.125 SERIES 700A
HA4T (HAWKER )?4000
LJ31 31A?
LJ35 35A
LJ45 45
LJ55 55[BC]?
LJ60 60( XR)?
P180 P180.*
PC12 PC-12.*
PC6T PC-6/B.*
PC7  PC-7
PC9  PC-9.*
PRM1 390
TUCA EMB 312F
"""

_NTSB_MODELS = """
B06  Bell 206[AB].*
B47G Bell 47G.*
B703 Boeing 707-3.*
B722 Boeing 727-2.*
B732 Boeing 737-2.*
B742 Boeing 747-2.*
BE33 Beech F33A?
BE35 Beech [A-V]?35[A-Z]?
BE36 Beech A36
BE58 Beech 58
BL17 Bellanca 17-30A?
C140 Cessna 140A?
C150 Cessna A?150[A-M]?
C152 Cessna A?152
C170 Cessna 170[AB]?
C172 Cessna 172[A-QS]?
C175 Cessna 175[A-C]?
C177 Cessna 177[AB]?
C180 Cessna 180[A-K]?
C182 Cessna 182[A-Q]?
C185 Cessna A?185[A-F]?
C188 Cessna A?188[AB]?
C206 Cessna U?206[A-G]?
C210 Cessna 210[A-N]?
C310 Cessna 310[A-R]?
C402 Cessna 402[A-C]?
C414 Cessna 414A?
C421 Cessna 421[A-C]?
C72R Cessna 172RG
C77R Cessna 177RG
CH7A Aeronca 7AC
DC10 Mcdonnell Douglas DC-10.*
DC93 (Mcdonnell )?Douglas DC-9-3.*
H269 Hughes 269.*
H500 Hughes 369.*
J3   Piper J-?3C?.*
L101 Lockheed L-1011.*
L8   Luscombe 8[A-F]?
M20P Mooney M20[A-J]
P28A Piper PA-28-1[4-8][01]
P28B Piper PA-28-23[56]
P28R Piper PA-28R-.*
PA12 Piper PA-12
PA18 Piper PA-18.*
PA24 Piper PA-24.*
PA25 Piper PA-25.*
PA30 Piper PA-30
PA31 Piper PA-31-3.*
PA32 Piper PA-32-.*
PA34 Piper PA-34-.*
PA38 Piper PA-38-112
R22  Robinson R-?22.*
"""

# The manufacturer and model codes of the 2015 register extract that a second source names.
FAA_MODEL_CODES = {
    "1182154": "B429",
    "1182202": "B412",
    "1182206": "B407",
    "1384957": "B752",
    "1390042": "DH8D",
    "2072702": "C182",
    "2072703": "C182",
    "2073301": "C206",
    "2073303": "T206",
    "2073390": "T206",
    "2073701": "C208",
}

# Names under which an operator owns or flies aircraft, where they differ from the name on its ICAO designator.
# An empty designator keeps an operator of 1982 apart from another that has its name by now.
OPERATOR_ALIASES = {
    "AIRCAL": "",
    "AIR WISCONSIN AIRLINES": "AWI",
    "BELGIAN AIR COMPONENT": "BAF",
    "CONTINENTAL AIR LINES": "COA",
    "FEDERAL EXPRESS": "FDX",
    "FEDERAL EXPRESS LEASING": "FDX",
    "FRENCH AIR FORCE": "FAF",
    "FRENCH ARMY": "FMY",
    "FRENCH NAVY": "FNY",
    "FRONTIER AIRLINES": "",
    "ITALIAN ARMY": "IEI",
    "ITALIAN COAST GUARD": "GCI",
    "NATIONAL POLICE AIR SERVICE": "UKP",
    "NETJETS SALES": "EJA",
    "NJI SALES": "EJA",
    "PETROLEUM HELICOPTER": "PHM",
    "REPUBLIC AIRWAYS": "RPA",
    "ROYAL CANADIAN AIR FORCE": "CFC",
    "ROYAL NAVY FLEET AIR ARM": "NVY",
    "RUSSIAN AIR FORCE": "RFF",
    "RUSSIA SPECIAL FLIGHT DETACHMENT": "RSD",
    "SKY WEST AIRLINES": "SKW",
    "SKYWEST AIRLINES": "SKW",
    "SWEDISH AIR FORCE": "SVF",
    "USAF": "AIO",
}

COUNTRY_SPELLINGS = {
    "antigua & barbuda": "AG",
    "bosnia & herzegovina": "BA",
    "burma": "MM",
    "coate d ivoire": "CI",
    "congo": "CG",
    "cote d'ivoire": "CI",
    "czechia": "CZ",
    "d r congo": "CD",
    "democratic republic of congo": "CD",
    "hong kong sar of china": "HK",
    "ivory coast": "CI",
    "macedonia": "MK",
    "republic of korea": "KR",
    "russian federation": "RU",
    "sao tome": "ST",
    "sao tome and principe": "ST",
    "st.vincent + grenadines": "VC",
    "swaziland": "SZ",
    "syrian arab republic": "SY",
    "taiwan (unofficial)": "TW",
    "viet nam": "VN",
    "yugoslavia": "RS",
}


def _compiled(table: str) -> list[tuple[str, re.Pattern[str]]]:
    lines = [line.split(maxsplit=1) for line in table.strip().splitlines()]
    return [(designator, re.compile(pattern)) for designator, pattern in lines]


_FAA = _compiled(_FAA_MODELS)
_NTSB = _compiled(_NTSB_MODELS)


def faa_designator(model: str) -> str:
    """The type designator of a model of the FAA register, or nothing where one name covers several."""
    return next((designator for designator, pattern in _FAA if pattern.fullmatch(model)), "")


def ntsb_designator(make: str, model: str) -> str:
    """The type designator of a make and model as the NTSB writes them, or nothing."""
    return next((designator for designator, pattern in _NTSB if pattern.fullmatch(f"{make} {model}")), "")


def owner_kind_code(owner: str) -> str:
    """The FAA's TYPE REGISTRANT code that an owner's name gives away; nothing for a private person or in doubt."""
    if re.search(r"\bL ?L ?C\b|\bLC\b", owner):
        return "7"
    if re.search(r"\b(INC|CORP|CORPORATION|CO|COMPANY|LTD|LIMITED|NA|BANK|AIRLINES|AIRWAYS)\b", owner):
        return "3"
    government = (
        r"^(STATE OF|COMMONWEALTH OF|(U ?S )?DEPARTMENT OF|FEDERAL AVIATION|UNITED STATES|NATIONAL AERONAUTICS)"
    )
    return "5" if re.search(government, owner) else ""


def operator_key(name: str) -> str:
    """An operator's name without punctuation, place and legal form, for comparing."""
    words = re.sub(r"[^A-Z0-9 ]", " ", re.sub(r"\(.*?\)", "", name.upper())).split()
    legal = {"INC", "LLC", "LTD", "CORP", "CORPORATION", "CO", "COMPANY", "LP", "LIMITED", "THE"}
    return " ".join(word for word in words if word not in legal)
