//! Words and phrases that replace each other in an edit.

/// Splits a list such as `"crucial > important, vital > important"` into pairs.
pub(crate) fn pairs(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    list.split(", ").filter_map(|pair| pair.split_once(" >")).map(|(from, to)| (from, to.trim()))
}

/// For each word that an instruction may ask for, phrases and the phrases with that word that replace them.
pub(crate) const INCLUDES: &[(&str, &str)] = &[
    (
        "very",
        "extremely > very, quite > very, so easy > very easy, important > very important, \
         essential > very important, simple > very simple, easy > very easy, useful > very useful, \
         good > very good, healthy > very healthy, popular > very popular, strong > very strong, \
         large > very large, small > very small, quick > very quick, happy > very happy, \
         bright > very bright, relaxing > very relaxing, friendly > very friendly, \
         fresh > very fresh, comfortable > very comfortable, difficult > very difficult",
    ),
    (
        "really",
        "truly > really, very > really, important > really important, essential > really important, \
         simple > really simple, easy > really easy, useful > really useful, good > really good, \
         healthy > really healthy, popular > really popular, strong > really strong, \
         large > really large, small > really small, quick > really quick, happy > really happy, \
         bright > really bright, relaxing > really relaxing, friendly > really friendly, \
         fresh > really fresh, comfortable > really comfortable, difficult > really difficult",
    ),
    (
        "important",
        "crucial > important, essential > important, vital > important, necessary > important, \
         significant > important, key part > important part, major > important, \
         fundamental > important",
    ),
    (
        "also",
        "additionally > also, furthermore > also, moreover > also, in addition > also, \
         it can > it can also, they can > they can also, you can > you can also, \
         it has > it also has, and add > and also add, \
         and helps > and also helps, and improves > and also improves, and makes > and also makes, \
         it comes > it also comes, it makes > it also makes, it improves > it also improves, \
         it showed > it also showed, it helps > it also helps",
    ),
    (
        "help",
        "assist > help, aid > help, can improve > can help improve, can lower > can help lower, \
         can reduce > can help reduce, to improve > to help improve, to reduce > to help reduce, \
         to avoid > to help avoid, to keep > to help keep, will improve > will help improve, \
         can make > can help make",
    ),
    (
        "can",
        "is able to > can, are able to > can, may > can, might > can, could > can, \
         helps to > can help to, helps you > can help you, helps > can help, \
         improves > can improve, reduces > can reduce, gives > can give, teaches > can teach",
    ),
    (
        "many",
        "several > many, numerous > many, various > many, a lot of > many, lots of > many, \
         a variety of > many, a number of > many, a wide range of > many, \
         most people > many people, some people > many people, countless > many, \
         some tips > many tips, other places > many other places",
    ),
    ("make", "create > make, produce > make, prepare > make, build > make, ensure > make sure"),
    ("however", "but > however, nevertheless > however, on the other hand > however"),
    (
        "people",
        "individuals > people, persons > people, folks > people, humans > people, \
         everyone > all people, customers > people, guests > people, readers > people, \
         residents > people",
    ),
    (
        "good",
        "great > good, beneficial > good, nice > good, excellent > good, fine > good, \
         delicious > good, wonderful > good",
    ),
    ("will", "is going to > will, are going to > will, 'll >  will"),
    (
        "great",
        "excellent > great, wonderful > great, fantastic > great, amazing > great, good > great, \
         perfect > great",
    ),
    (
        "best",
        "the ideal > the best, the optimal > the best, the perfect > the best, finest > best, \
         the easiest > the best and easiest, the most important > the best and most important",
    ),
    (
        "always",
        "constantly > always, consistently > always, remember to > always remember to, \
         make sure > always make sure, should > should always, you can > you can always, \
         avoid > always avoid, every time > always, be sure > always be sure",
    ),
    (
        "time",
        "whenever > every time, for years > for a long time, then > at that time, \
         now > at this time, when > at the time when, moment > time, at once > at the same time",
    ),
    (
        "should",
        "must > should, need to > should, ought to > should, have to > should, \
         it is important to > you should, it's a good idea to > you should, you can > you should",
    ),
    (
        "because",
        "due to the fact that > because, since it > because it, since they > because they, \
         due to > because of, thanks to > because of, for the reason that > because",
    ),
    ("may", "might > may, could > may, can > may"),
    (
        "first",
        "to begin with > first, to start > first, initially > at first, start by > first start by, \
         begin by > first begin by, start with > start first with, firstly > first",
    ),
];

/// Words that can be left out or replaced. An empty replacement leaves the word out.
pub(crate) const EXCLUDES: &str = "very >, really >, also >, always >, important > essential, can > may, many > numerous, \
    make > create, people > individuals, good > fine, great > wonderful, because > since, \
    may > might, should > ought to, however > still, best > finest, help > aid, first > initial";

/// Long words and shorter ones of about the same meaning.
pub(crate) const SHORTER: &str = "additionally > also, furthermore > also, nevertheless > still, approximately > about, \
    particularly > mainly, especially > above all, frequently > often, immediately > at once, \
    essential > vital, important > vital, beautiful > pretty, delicious > tasty, wonderful > great, \
    fantastic > great, excellent > great, necessary > needed, beneficial > good, significant > big, \
    difficult > hard, challenging > hard, comfortable > comfy, sometimes > at times, \
    remember > recall, children > kids, vegetables > greens, exercise > sport, regularly > often, \
    strengthens > builds up, understand > grasp, understanding > grasp, conversation > talk, \
    information > facts, equipment > gear, decrease > lower, increases > raises, increase > raise, \
    maintain > keep, maintaining > keeping, consider > think about, completely > fully, \
    environment > world, opportunity > chance, opportunities > chances, individuals > people, \
    responsibility > duty, temperature > heat, refrigerator > fridge, ingredients > items, \
    concentrating > focusing, concentrate > focus, tournament > contest, purchase > buy, \
    purchasing > buying, residents > locals, scientists > experts, investment > expense, \
    classroom > class, published > shown, customers > buyers, knowledge > facts, community > group, \
    everything > all, communication > talking, relationships > bonds, relationship > bond, \
    throughout > across";

/// Common words and longer ones of about the same meaning.
pub(crate) const LONGER: &str = "also > additionally, often > frequently, many > innumerable, important > indispensable, \
    easy > straightforward, simple > straightforward, good > advantageous, helpful > advantageous, \
    very > extraordinarily, really > unquestionably, hard > challenging, big > considerable, \
    large > considerable, amazing > extraordinary, special > extraordinary, fast > accelerated, \
    friendly > kindhearted, tasty > mouthwatering, careful > conscientious, almost > approximately, \
    about > approximately, mostly > predominantly, mainly > predominantly, finally > ultimately, \
    essential > indispensable, strong > substantial, great > extraordinary, \
    quick > instantaneous, happy > enthusiastic, quiet > undisturbed, \
    fun > entertaining, clever > resourceful";

/// For each word that an instruction may ask for, a sentence with it that suits the end of nearly every response.
pub(crate) const ENDINGS: &[(&str, &str)] = &[
    ("very", "Thank you very much for your question."),
    ("important", "These are the most important points."),
    ("also", "You can also ask me for more details."),
    ("help", "I hope this is of some help."),
    ("can", "You can ask me for more details."),
    ("many", "There are many more things to say about this."),
    ("make", "I hope I could make this clear."),
    ("however", "However, this is only a short answer."),
    ("people", "This is the answer that most people look for."),
    ("good", "I hope this is a good answer to your question."),
    ("will", "I hope this will be useful."),
    ("great", "It would be great to hear what you think."),
    ("really", "That is really all there is to it."),
    ("best", "All the best!"),
    ("always", "As always, feel free to ask for more."),
    ("time", "Thank you for your time."),
    ("should", "This should answer your question."),
    ("because", "I kept it short because these are the main points."),
    ("may", "You may ask me for more details."),
    ("first", "Those are the first things to know."),
];
