"""What a written conversation must not say, as short lists that a person can read and extend.

Patterns are looked for in lower case, unless a comment says otherwise. Words are not judgement:
the hand-written set covers danger and refusals; here a whole topic is rather left out.
"""

from __future__ import annotations

# Topics that a small model's teacher shall not write about on its own, on either side.
UNSAFE = (
    r"\b(suicid\w*|self.?harm\w*|overdos\w*|kill (my|your|him|her|them)\w*|kill(ed|ing)? people)\b",
    r"\b(want|wish|going|rather|better) (to |i was |i were |be |off )?(die|dead)\b",
    r"\b(cut|hurt|harm) (myself|yourself|himself|herself)\b",
    r"\b(sex|sexy|sexual\w*|porn\w*|naked|nudes?|erotic\w*|rap(e|ed|ist)|orgasm\w*)\b",
    r"\b(murder\w*|terroris\w*|bombs?|explosives?|grenades?|shoot (him|her|them|people)|guns?)\b",
    r"\b(cocaine|heroin|meth|marijuana|cannabis|opioids?|ecstasy|lsd|drug dealers?|get high)\b",
    r"\b(poison (him|her|them|my|your)|launder\w*|counterfeit\w*|steal (his|her|their|a) \w+)\b",
    r"\b(fuck\w*|shit\w*|bitch\w*|cunts?|asshole\w*|bastards?|whores?|sluts?|dickheads?)\b",
    r"\b(nazis?|hitler|holocaust|genocide|slavery|white power|racial slurs?)\b",
    r"\b(credit card number|password is|social security|bank account number|pin code is)\b",
    r"\b\d+ ?(mg|milligrams?|pills|tablets)\b",
)

# Said by the assistant of itself. A sentence with one of HYPOTHETICAL, or inside quotation marks,
# is not a claim.
_PEOPLE = (
    "human|person|man|woman|boy|girl|guy|student|teacher|doctor|nurse|mother|father|mom|mum|dad|"
    "kid|child|adult|teenager|parent|lawyer|engineer|cook|chef|farmer|artist|musician"
)
_STATES = "hungry|thirsty|sleepy|married|single|pregnant|sick|at work|at home"
_RELATIVES = (
    "wife|husband|girlfriend|boyfriend|brothers?|sisters?|kids|children|son|daughter|mother|father|"
    "mom|mum|dad|papa|mama|grandma|grandpa|parents|family"
)
_BELONGINGS = f"{_RELATIVES}|body|face|hands?|job|house|apartment|car|bike|dogs?|cats?|garden"
_BODY = "body|eyes|ears|nose|mouth|hands?|arms?|legs?|feet|skin|hair|stomach"
_MINE = f"{_RELATIVES}|{_BODY}|boss|coworkers?|house|apartment|school|job|childhood|birthday"
_DEEDS = "ate|eat|drank|drink|slept|sleep|cooked|cook|woke up|wake up|wore|showered|drove|drive"
_MEALS = "breakfast|lunch|dinner|meal|snack|nap"
_LIVES = (
    r"grew up|was born|went to (school|college|work|the)|work (at|for|as)|used to (live|work|be)"
)
_MAKERS = "openai|google|microsoft|apple|amazon|meta|anthropic|hugging ?face"
_OTHERS = r"chatgpt|gpt|siri|alexa|cortana|claude|gemini|bard|smollm\w*|cleverbot"
CLAIMS = (
    rf"\bi( am|'m) (just |only |really |also |actually )?(an? )?(\w+ )?({_PEOPLE})\b",
    r"\bi( am|'m) (\d+|\w+teen|twenty|thirty|forty) years old\b",
    rf"\bi( am|'m) (so |very |really |a bit |pretty )?({_STATES})\b",
    rf"\bi( have|'ve got| have got) (an?|two|three|my|some) (\w+ )?({_BELONGINGS})\b",
    rf"\bi (just |always |usually |often |sometimes |also |really )?({_DEEDS})\b",
    rf"\bi (just |already )?had (an? |some |my |for )?(\w+ )?({_MEALS})\b",
    rf"\bi ({_LIVES})\b",
    r"\bi (can |do know how to |know how to |learned to )(cook|bake|swim|drive|dance|walk)\b",
    r"\bi live (in|with|near) (?!an? (computer|chat|program|machine|server))",
    r"\bi('ve| have) been (to (?!you)|married|sick|working as)\b",
    rf"\bmy (own )?({_MINE})\b",
    r"\bi (can see (you|your)|saw you|heard your voice|looked (it|that) up|searched (for|the))\b",
    r"\bi (remember|recall|still know) (you from|our last|our earlier|our previous|last time)\b",
    rf"\b(made|built|created|trained|developed) by ({_MAKERS})\b",
    rf"\bi( am|'m) ({_OTHERS})\b",
)
HYPOTHETICAL = (
    r"\b(not|no|never|cannot|without|nor|neither|none|nothing|if|wish|would|could|might|as though"
    r"|imagine|pretend|suppose|like to think|in (this|my|the|our|a) (story|game|poem|song)|said)\b"
    r"|n't\b|'d\b"
)

# The next three hold names, whose capital is part of the pattern.
OWN_NAME = r"\b(?:[Mm]y name is|[Cc]all me|I am called|I'm called|I go by) ([A-Za-z]\w*)"
I_AM_NAME = r"\bI(?:'m| am) ([A-Z][a-z]+)\b"
USER_NAME = (
    r"\b(?:[Nn]ice|[Gg]ood|[Gg]reat|[Ll]ovely) to (?:meet|know) you(?: too)?, ([A-Z]\w+)",
    r"\b[Yy]our name is ([A-Z]\w+)",
    r"^(?:Hi|Hello|Hey|Welcome|Thanks|Thank you),? ([A-Z][a-z]+)[,.!]",
)
NAME = "eugpt"
NO_NAMES = {"there", "again", "everyone", "friend", "you", "too", "what", "not", "your"}

MARKUP = r"https?:|www\.|[#*_`<>{}\[\]|\\~^]"
