//! Words and phrases that replace each other in an edit.

/// Splits a list such as `"crucial > important, vital > important"` into pairs.
pub(crate) fn pairs(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    list.split("; ").filter_map(|pair| pair.split_once(" >")).map(|(from, to)| (from, to.trim()))
}

/// For each word that an instruction may ask for, phrases and the phrases with that word that replace them. A phrase
/// after `^` is replaced only at the start of a sentence.
pub(crate) const INCLUDES: &[(&str, &str)] = &[
    (
        "very",
        "extremely > very; important > very important; essential > very important; \
         simple > very simple; easy > very easy; useful > very useful; good > very good; \
         healthy > very healthy; popular > very popular; strong > very strong; \
         large > very large; small > very small; quick > very quick; happy > very happy; \
         bright > very bright; relaxing > very relaxing; friendly > very friendly; \
         fresh > very fresh; comfortable > very comfortable; difficult > very difficult",
    ),
    (
        "really",
        "truly > really; very > really; important > really important; \
         simple > really simple; easy > really easy; useful > really useful; good > really good; \
         healthy > really healthy; popular > really popular; strong > really strong; \
         large > really large; small > really small; quick > really quick; happy > really happy; \
         bright > really bright; relaxing > really relaxing; friendly > really friendly; \
         fresh > really fresh; comfortable > really comfortable; difficult > really difficult",
    ),
    (
        "important",
        "crucial > important; essential > important; vital > important; significant > important; \
         key part > important part; key role > important role; key factor > important factor; \
         fundamental > important",
    ),
    (
        "also",
        "additionally > also; furthermore > also; moreover > also; in addition > also; \
         it can > it can also; they can > they can also; you can > you can also; \
         it has > it also has; and add > and also add; and helps > and also helps; \
         and improves > and also improves; and makes > and also makes; it comes > it also comes; \
         it makes > it also makes; it improves > it also improves; it helps > it also helps",
    ),
    (
        "help",
        "assist > help; can improve > can help improve; can lower > can help lower; \
         can reduce > can help reduce; way to improve > way to help improve; \
         way to reduce > way to help reduce; will improve > will help improve",
    ),
    (
        "can",
        "is able to > can; are able to > can; may > can; might > can; helps to > can help to; \
         helps you > can help you; helps > can help; improves > can improve; \
         reduces > can reduce",
    ),
    (
        "many",
        "several > many; numerous > many; various > many; a lot of > many; lots of > many; \
         a variety of > many; a number of > many; a wide range of > many; most people > many people; \
         some people > many people; countless > many",
    ),
    (
        "make",
        "ensure that > make sure that; ensure you > make sure you; create a plan > make a plan; \
         create a list > make a list; create a schedule > make a schedule; \
         create a budget > make a budget",
    ),
    ("however", "but > however; nevertheless > however; on the other hand > however"),
    ("people", "individuals > people; persons > people; folks > people; humans > people"),
    (
        "good",
        "great > good; beneficial > good; nice > good; excellent > good; delicious > good; \
         wonderful > good",
    ),
    (
        "will",
        "is going to > will; are going to > will; you'll > you will; it'll > it will; \
         they'll > they will; we'll > we will; I'll > I will",
    ),
    (
        "great",
        "excellent > great; wonderful > great; fantastic > great; amazing > great; good > great",
    ),
    ("best", "the ideal > the best; the optimal > the best; the perfect > the best; finest > best"),
    (
        "always",
        "constantly > always; ^remember to > always remember to; ^make sure > always make sure; \
         ^be sure > always be sure; ^avoid > always avoid; should > should always",
    ),
    (
        "time",
        "whenever > every time; for years > for a long time; simultaneously > at the same time",
    ),
    (
        "should",
        "must > should; need to > should; ought to > should; have to > should; \
         it is important to > you should; it's important to > you should; ^you can > you should",
    ),
    (
        "because",
        "due to the fact that > because; since it's > because it's; since it is > because it is; \
         since they are > because they are; due to > because of; for the reason that > because",
    ),
    ("may", "might > may; can > may"),
    (
        "first",
        "to begin with > first; to start, > first,; initially > at first; ^start by > first, start by; \
         ^begin by > first, begin by; firstly > first",
    ),
];

/// Words that can be left out or replaced. An empty replacement leaves the word out.
pub(crate) const EXCLUDES: &str = "very >; really >; also >; always >; important > essential; can > may; many > numerous; \
    people > individuals; good > fine; great > wonderful; because > since; may > might; \
    should > ought to; however > still";

/// Long words and shorter ones of about the same meaning.
pub(crate) const SHORTER: &str = "additionally > also; furthermore > also; nevertheless > still; approximately > about; \
    frequently > often; essential > vital; important > vital; beautiful > pretty; delicious > tasty; \
    wonderful > great; fantastic > great; excellent > great; difficult > hard; comfortable > comfy; \
    sometimes > at times; children > kids; regularly > often; equipment > gear; maintain > keep; \
    maintaining > keeping; completely > fully; opportunity > chance; opportunities > chances; \
    individuals > people; responsibility > duty; refrigerator > fridge; concentrating > focusing; \
    tournament > contest; purchasing > buying; residents > locals; particularly > mainly";

/// Common words and longer ones of about the same meaning.
pub(crate) const LONGER: &str = "also > additionally; often > frequently; easy > straightforward; \
    simple > straightforward; amazing > extraordinary; special > extraordinary; \
    fantastic > extraordinary; wonderful > extraordinary; tasty > mouthwatering; \
    delicious > mouthwatering; about > approximately; mostly > predominantly; \
    mainly > predominantly; finally > ultimately; essential > indispensable; clever > resourceful; \
    beautiful > breathtaking; interesting > fascinating; people > individuals; lovely > delightful; \
    chance > opportunity; usually > customarily; very > extraordinarily";

/// For some words that an instruction may ask for, a sentence with it that suits the end of nearly every answer and
/// says nothing about the answer.
pub(crate) const ENDINGS: &[(&str, &str)] = &[
    ("also", "You can also ask me for more details."),
    ("help", "Let me know if you need more help."),
    ("can", "Let me know if I can add anything."),
    ("make", "Let me know if you would like me to make any changes."),
    ("good", "Have a good day!"),
    ("will", "I hope this will be useful."),
    ("great", "Have a great day!"),
    ("really", "I really hope this helps."),
    ("always", "You can always ask me for more details."),
    ("should", "Let me know if I should add anything."),
    ("may", "I hope this answers any questions you may have."),
];
