"""The general domain: short third-person texts about everyday life, in the past tense."""

from grammar import Expander, lines, tidy, words

MEN = words("""Adam, Albert, Arthur, Ben, Carl, Daniel, David, Edward, Eric, Felix, Frank, George, Harry, Henry, Hugo, Ivan,
Jack, James, John, Jonas, Karl, Leo, Louis, Luke, Mark, Martin, Max, Michael, Nick, Noah, Oliver, Oscar, Otto, Paul, Peter,
Philip, Ralph, Robert, Robin, Sam, Simon, Stephen, Theo, Thomas, Tim, Tom, Victor, Walter, William, Anton""")
WOMEN = words("""Ada, Agnes, Alice, Amy, Anna, Beth, Carol, Clara, Dora, Edith, Ella, Emily, Emma, Eva, Fiona, Flora, Grace,
Greta, Hannah, Helen, Ida, Irene, Ivy, Jane, Joan, Julia, Kate, Laura, Lily, Lucy, Maria, Martha, Mary, Mia, Molly, Nina,
Nora, Olive, Paula, Rosa, Rose, Ruth, Sara, Sophie, Stella, Susan, Tina, Vera, Violet, Wendy""")
RELATIONS = {
    "m": words("brother, uncle, grandfather, father, son, nephew, friend, neighbour, cousin, old teacher"),
    "f": words("sister, aunt, grandmother, mother, daughter, niece, friend, neighbour, cousin, old teacher"),
}
PRONOUNS = {
    "m": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
    "f": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
}

WORDS = {
    "day": "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday",
    "month": "January, February, March, April, May, June, July, August, September, October, November, December",
    "season": "spring, summer, autumn, winter",
    "number": "two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, twenty",
    "few": "two, three, four, five",
    "hour": "five, six, seven, eight, nine, ten, eleven, noon, one, two, three, four",
    "town": """Ashford, Barton, Brook End, Carlow, Denby, Elmhurst, Fairhaven, Glenside, Harwick, Hillcrest, Kirkby, Larkfield,
        Marlow, Milton, Norwood, Oakham, Penrith, Redbridge, Riverton, Rosedale, Saltburn, Stonegate, Thornbury, Upton,
        Westford, Whitby, Winslow, Woodside""",
    "street": """Mill Street, Church Lane, Station Road, Market Street, Garden Row, Bridge Street, High Street, School Lane,
        Orchard Road, River Walk, Park Street, Chapel Hill""",
    "colour": "red, blue, green, yellow, white, black, brown, grey, orange, silver, pale blue, dark green",
    "size": "small, large, little, big, tiny, heavy, long, narrow, wide",
    "feel": """glad, proud, tired, happy, worried, calm, surprised, pleased, nervous, hungry, curious, thankful, cheerful,
        sleepy, hopeful""",
    "good": "happy, pleased, proud, glad, thankful, cheerful, content",
    "bad": "worried, sad, upset, nervous, disappointed, angry, unhappy",
    "vegetable": """carrot, potato, onion, cabbage, bean, pea, tomato, pumpkin, turnip, leek, beet, lettuce, radish, cucumber,
        pepper""",
    "fruit": "apple, pear, plum, cherry, peach, orange, lemon, strawberry, grape, melon, apricot, fig",
    "flower": "rose, tulip, daisy, lily, sunflower, violet, poppy, bluebell, daffodil, orchid, marigold, lavender bush",
    "tree": "oak, apple tree, pear tree, willow, pine, birch, chestnut tree, cherry tree, elm, old walnut tree",
    "tool": "spade, rake, hammer, saw, ladder, bucket, wheelbarrow, basket, brush, rope, knife, lamp, broom, shovel, axe",
    "pet": "dog, cat, rabbit, parrot, puppy, kitten, pony, hamster, goat, goose, tortoise",
    "petname": "Bella, Biscuit, Blackie, Button, Daisy, Pepper, Ginger, Lucky, Patch, Rusty, Shadow, Smoky, Snowy, Toby, Muffin",
    "farm_animal": "cow, sheep, goat, horse, donkey, hen, duck, goose, pig, calf, pony, lamb",
    "wild_animal": "fox, deer, owl, squirrel, hedgehog, rabbit, badger, hare, robin, heron, otter, crow, frog, mouse",
    "dish": """soup, bread, stew, pancakes, apple pie, rice, fish pie, noodles, porridge, roast chicken, vegetable curry,
        plum cake, omelettes, cheese toast, pasta, lentil soup, pumpkin pie""",
    "drink": "tea, coffee, cold water, apple juice, warm milk, lemonade, hot chocolate",
    "spice": "salt, pepper, sugar, cinnamon, garlic, ginger, butter, honey, mustard, parsley, thyme, vinegar",
    "kitchen_tool": "pot, pan, bowl, wooden spoon, kettle, jug, knife, plate, baking tray, jar, cup",
    "room": "kitchen, hall, bedroom, bathroom, cellar, attic, living room, study, workshop",
    "furniture": "table, chair, shelf, bench, cupboard, desk, bed, old clock, wooden box, mirror, drawer",
    "clothes": "coat, hat, scarf, jacket, jumper, raincoat, shirt, pair of boots, dress, pair of gloves, cap",
    "vehicle": "bus, train, boat, tram, ferry, taxi, van, coach",
    "job": """baker, teacher, farmer, nurse, carpenter, driver, gardener, painter, tailor, doctor, postman, librarian, cook,
        shopkeeper, engineer, builder, clerk, fisherman, plumber, musician, mechanic, waiter, potter, clockmaker""",
    "shop": "bakery, bookshop, toy shop, flower shop, fish shop, tool shop, tea shop, shoe shop, music shop, grocery",
    "building": "library, town hall, museum, church, school, station, theatre, mill, post office, swimming pool, hospital",
    "subject": "history, music, science, geography, spelling, drawing, mathematics, reading, poetry",
    "instrument": "piano, violin, guitar, flute, drum, trumpet, cello, accordion, harp, clarinet",
    "sport": "football, tennis, chess, cards, table tennis, cricket, volleyball, hockey",
    "fur": "grey, brown, black, white, spotted, light brown, dark brown",
    "book": "book about stars, book about birds, story about pirates, map of the coast, book of poems, book about trains, "
    "old cookbook, story about a lighthouse, book about the sea, travel diary",
    "toy": "kite, ball, doll, wooden train, puzzle, toy boat, drum, paper plane, spinning top, teddy bear",
    "lost_thing": "key, ring, wallet, umbrella, watch, glove, letter, ticket, purse, notebook, silver coin, scarf, hat",
    "hiding_place": """under the bed, behind the door, in the garden shed, under a pile of leaves, in the pocket of an old coat,
        behind the clock, on the roof of the shed, between two books, under the kitchen table, in an empty flowerpot,
        beside the gate, in the laundry basket, on top of the cupboard""",
    "path": "path, road, bridge, lane, track, stairs, hill, river bank",
    "present": """book, clock, knitted scarf, box of chocolates, painted cup, bunch of flowers, bicycle, camera, warm jumper,
        wooden horse, music box, small telescope, pot of honey""",
    "weather": "rain, snow, wind, fog, heat, frost, sunshine, cold, storm, ice",
    "time_adverb": "soon, at once, after a while, a little later, after an hour, in the end, before long, at last",
    "manner": "slowly, quickly, quietly, carefully, gently, patiently, happily, loudly, calmly, eagerly",
    "bird": "robin, blackbird, swallow, owl, crow, sparrow, seagull, pigeon, swan, duck, heron",
    "part": "wheel, chain, handle, pipe, switch, lock, hinge, belt, engine, pump, spring, window",
    "festival": "harvest fair, spring fair, flower show, school concert, village dance, summer market, book fair, boat race",
    "adjective": """quiet, busy, narrow, sunny, old, pretty, windy, green, peaceful, lively, lonely, pleasant, dusty, famous,
        friendly, cold, bright""",
    "illness": "a cold, a fever, a sore throat, a bad cough, a headache, a broken arm, a toothache, a twisted ankle",
}

OPENINGS = lines("""
    On {day} (morning|afternoon|evening), {N} {start}.
    On {day}, {N} {start}.
    On {day}, the {job} {N} {start}.
    One {morning_adj} morning, {N} {start}.
    One {morning_adj} (day|afternoon) in {month}, {N} {start}.
    One (day|morning|afternoon|evening), {N} {start}.
    (Last|One|That) {season}, {N} {start}.
    In the {season}, {N} {start}.
    Early (in the morning|on {day}|one morning), {N} {start}.
    It was {day}, and {N} {start}.
    It was %a {morning_adj} (morning|day) in {month}. {N} {start}.
    At {hour} o'clock, {N} {start}.
    {N} lived in %a {size_home} house (in|near) {town}. On {day}, {he} {start}.
    {N} was %a {job} in {town}. One (day|morning), {he} {start}.
    {N} was {number_age} years old and lived in {town}. One {season} (day|morning), {he} {start}.
    {N} {start}. It was %a {morning_adj} {day} in {month}.
    {N} {start}.
    The {job}, whose name was {N}, {start} on {day}.
    There was once %a {job} called {N} who lived in {town}. One day, {he} {start}.
    When the {season_event}, {N} {start}.
    After breakfast, {N} {start}.
    Before (sunrise|lunch|work|school), {N} {start}.
    While {M} was still (asleep|at work|in town|in bed), {N} {start}.
    {M} had asked for help, so on {day} {N} {start}.
    For many years {N} had lived on {street} in {town}. One {season} (morning|evening), {he} {start}.
    The (morning|day) was {morning_adj}, and {N} {start}.
    The {season_event2}, and {N} {start}.
    In {month}, {N} {start}.
    Every {day}, {N} met {M} in {town}. This time, {he} {start}.
""")

WEATHER = lines("""
    The sun was (shining|bright|warm|low) and the sky was (clear|blue|pale).
    A (cold|soft|strong|warm) wind (blew|came) from the (north|sea|west|hills|river).
    (Grey|Dark|White|Low) clouds hung over the (hills|town|roofs|fields|river).
    It had rained (all night|in the morning|for two days|the day before), and the (ground|grass|road) was (still wet|soft|muddy).
    There was (frost|snow|fog|dew) on the (fields|grass|roofs|ground).
    The air (smelled of|was full of the smell of) (rain|flowers|the sea|wood smoke|fresh bread|cut grass|wet leaves).
    The {bird.s} were (singing|sitting) (in the trees|on the roof|near the water|in the hedge).
    It was (warm|cool|cold|mild) for {month}, and {there_people}.
    The (streets|roads|fields) were (quiet|empty|busy|bright), and {there_people}.
    (Somewhere|Far away) a (bell was ringing|dog was barking|train was passing|door was banging).
    The light was (soft|golden|clear|grey), and the shadows were (long|short|dark).
    {he} wore %a {colour} {clothes} because (the wind was cold|it looked like rain|{he} liked the colour|it was a present from {M}).
""")

RULE_LINES = {
    "morning_adj": "cold\nwarm\nrainy\nsunny\nfoggy\nwindy\nbright\nquiet\nsnowy\nbeautiful\ngrey\nclear\nfine",
    "size_home": "small\nlarge\nold\nwhite\nbrick\nwooden\nnarrow\nlittle\nquiet\nyellow",
    "number_age": "seven\neight\nnine\nten\nthirty\nforty\nfifty\nsixty\nseventy\neighty\ntwenty",
    "season_event": """
        snow melted
        holidays began
        leaves turned yellow
        days grew longer
        rain stopped
        first flowers opened
        school year ended
        river froze
        church bell rang
        sun came up
        wind dropped
        lights went out""",
    "season_event2": """
        holidays had begun
        snow had melted
        first warm day had come
        days were getting shorter
        harvest was over
        last bus had gone
        shops were closed
        whole house was quiet
        clock had just struck {hour}
        kettle was on the stove
        windows were open""",
    "there_people": """
        children were playing outside
        people were hurrying home
        nobody was about
        the shops were full
        many people were in the street
        the market was already open
        old men sat on the benches
        the cafes had put out their tables
        people stopped to talk to each other""",
    "feeling": """
        {he} felt {feel}.
        {he} was {feel}, but {he} said nothing.
        {N} felt {feel} and (smiled|said so|sighed).
        For a moment {he} did not know what to do.
        {he} thought about it for a long time.
        {N} took a deep breath and (waited|smiled|began again).
        {he} had never done anything like it before.
        {M} saw that {N} was {feel}.
        {he} remembered what {M} had (said|taught {him}|promised).
        {N} looked at the clock, because there was not much time.
        It was harder than {he} had expected.
        That made {him} {feel}.""",
    "help": """
        {M} came to help, and together they worked (until dark|until noon|for {few} hours|all afternoon).
        {M} knew what to do, because {mhe} had once been %a {job}.
        {N} asked {M} for advice, and {mhe} (answered|listened|explained everything) {manner}.
        {M} brought {drink} and (some|a plate of) {dish}, and they rested for a while.
        {M} said that it was not so bad and (smiled|laughed|patted {him} on the shoulder).
        {N} called {M}, who came {time_adverb} with %a {tool}.
        At first {M} only watched, but then {mhe} (helped|joined in|took off {mhis} coat and helped).
        {M} showed {him} how to do it, and {N} (watched|tried it|learned) {manner}.""",
    "closing": """
        In the evening, {N} was tired but {good}.
        {N} went home and (slept well|told everyone about it|wrote it all down|made a cup of tea).
        {M} thanked {him}, and they (shook hands|laughed|drank {drink} together|sat by the fire).
        After that, {N} never forgot to (ask for help|check twice|close the door|be patient|say thank you).
        {N} was {good} that everything had ended well.
        When it grew dark, they (lit a lamp|went inside|walked home together|said good night).
        The next day, {N} told {M} the whole story.
        It was a day that {N} remembered for a long time.
        {M} said that it had been a good day, and {N} agreed.
        From then on, {he} (did it|went there|came back) every {day}.
        That night {he} slept {sleep}.
        They promised to do it again (the next year|in the {season}|on {day}|soon).
        {N} smiled, because the work was done.
        At {hour} o'clock {he} went to bed and fell asleep at once.
        And so the day ended better than it had begun.
        {N} learned that it is better to (wait|ask|look carefully|work together|begin early).""",
    "sleep": "deeply\nwell\nuntil {hour}\nlike a child\nbetter than before\nwith the window open",
}

# Every scene: how the first sentence goes on, chains of cause and effect, and endings of its own.
SCENES = {
    "garden": (
        """
        went into the garden to plant (some|a row of) {vegetable.s}
        decided to plant %a {tree} behind the house
        wanted to water the {flower=flower.s} before it got too hot
        was digging in the garden with an old spade
        found that the garden was full of weeds
        took %a {tool} and went to work in the garden
        picked the first {fruit.s} of the year""",
        """
        The ground was (dry|hard) because there had been no rain for {number} days. {he} carried water from the (well|river|kitchen) in a bucket. {time_adverb} the plants stood up again, and the leaves looked fresh.
        Something had eaten the {v=vegetable.s} during the night. {he} found small footprints near the fence and saw that %a {animal=wild_animal} had come through a hole. {N} closed the hole with (stones|a board|wire), and the {animal} did not come back.
        The {f=flower.s} did not grow well in the shade. {M} said that they needed more (sun|light|water), so {N} moved them to the other side of the (wall|path|house). After {few} weeks they had {colour} flowers.
        While {he} was digging, {he} heard a hard sound. There was an old {thing=kitchen_tool} in the ground, covered with mud. {he} washed it and put it on the (window sill|shelf|kitchen table), and everyone asked where it had come from.
        {he} put the seeds in the ground in straight lines and covered them with (soft|dark) earth. Then {he} wrote the names on small pieces of wood. {few} weeks later the first green leaves came up.
        The {fruit=fruit} tree had so much fruit that a branch broke. {N} gathered the {fruit.s} in a basket and gave half of them to {M}. {M} made jam from them and brought back {few} jars.
        A {wild=wild_animal} sat (on the wall|under the hedge|near the pond) and watched. {N} stood still so that it would not be afraid. When {he} went back to work, it came closer and looked for food.
        The wheelbarrow had a flat tyre, so {he} had to carry everything by hand. It took {few} hours, and {his} back hurt. {M} repaired the tyre the same evening.""",
        """
        The garden had never looked so (green|pretty|tidy).
        In the {season}, they ate {vegetable.s} from their own garden.
        {he} cleaned the tools and put them back in the shed.
        Soon the first {flower.s} opened.""",
    ),
    "kitchen": (
        """
        wanted to cook {dish=dish} for {M}
        stood in the kitchen and looked for the {spice}
        invited {few} friends to dinner
        decided to bake bread for the first time
        found an old recipe in a drawer
        was making {dish} when the bell rang
        was hungry and looked into the cupboard""",
        """
        There was no {s=spice} left in the house, so {he} went to the shop on {street}. The shop was closed because it was a holiday. {M} lived next door and lent {him} a small jar of {s}.
        {he} forgot the pot on the stove while {he} was (reading|talking to {M}|feeding the cat). Smoke filled the kitchen, and the food was burnt. {N} opened all the windows and started again from the beginning.
        {he} cut the {v=vegetable.s} into small pieces and put them into a pot with water and {spice}. The soup had to cook for {number} minutes. The whole house smelled so good that {M} came down to see what it was.
        {he} mixed flour, water and a little salt and let the dough rest near the stove. After an hour it had become twice as big. {he} baked it until the crust was brown.
        The recipe said that one needed {few} eggs, but there was only one. {N} thought for a moment and used %a {fruit} instead. To everyone's surprise, the cake tasted better than before.
        The guests came too early, and nothing was ready. {N} gave them {drink} and asked them to help. {M} washed the {vegetable.s}, and the others set the table.
        A plate fell from the table and broke into {number} pieces. {he} swept the floor {manner} so that nobody would step on them. {M} said that it had been an old plate anyway.
        {M} tasted the food and made a strange face. {N} had mixed up the sugar and the salt. They both laughed, and in the end they ate bread and cheese.
        The oven did not get hot. {N} called {M}, who found that a {part} was broken. They cooked the meal in the house of a neighbour and carried it back across the street.""",
        """
        Nothing was left on the plates.
        After the meal, they washed the dishes together.
        {M} asked for the recipe and wrote it down.
        {he} kept one piece for the next day.""",
    ),
    "animal": (
        """
        found %a {size} {pet=pet} in front of the door
        went for a walk with a {pet=pet} called {pn=petname}
        bought a {pet=pet} and called it {pn=petname}
        heard a strange noise in the shed
        was feeding the {pet=farm_animal.s} when the gate opened
        saw that the {pet=pet} was not in its place
        took the {pet=pet} to the animal doctor""",
        """
        The {pet} was (wet|thin|cold) and very hungry. {N} dried it with a towel and gave it some food. Then {he} asked everyone on {street}, but nobody knew where it came from.
        A {wild=wild_animal} ran across the path, and the {pet} ran after it. {N} called again and again, but there was no answer. {time_adverb} {M} saw the {pet} sitting by the {water}, covered with mud.
        A {bird=bird} had fallen out of its nest and could not fly. {N} put it in a box with soft (hay|grass|wool) and fed it with worms. After {number} days it opened its wings and flew away.
        The {wild=wild_animal} had hurt its leg on a piece of wire. {N} held it {manner} while {M} cut the wire. It ran to the edge of the forest, stopped and looked back once.
        The gate was open because the wind had broken the lock. {few} {farm=farm_animal.s} stood in the road, and a bus had to stop. {N} and {M} drove them back with a bucket of corn.
        {he} followed the sound and found a cat with {few} kittens behind the (boxes|hay|old bicycle). {he} brought a bowl of milk and an old blanket. When {M} saw the kittens, {mhe} wanted to keep them all.
        The {pet} would not eat and lay in a corner all day. The doctor looked at its teeth and found a small thorn. As soon as the thorn was out, the {pet} was hungry again.
        The {pet} learned fast. At first it only came when there was food, but {time_adverb} it came whenever {N} whistled. {M} said that it was the cleverest animal on {street}.""",
        """
        The {pet} slept next to {his} bed that night.
        Since then, {he} always closed the gate with a rope.
        {M} often came to visit the animals.
        {he} counted the animals once more before {he} went to bed.""",
    ),
    "travel": (
        """
        took the {v=vehicle} to {town=town}
        wanted to visit {M} in {town=town}
        stood on the platform and waited for the train
        packed a bag for a journey to the (sea|mountains|city)
        missed the {v=vehicle} to {town=town}
        set out for {town=town} on {his} bicycle
        left home for the first time to see the sea""",
        """
        The {v=vehicle} was late because of the {weather}. {N} sat down on a bench and opened a book. A woman with %a {colour} {clothes} sat next to {him}, and they talked until it came.
        {he} had left the ticket at home. The conductor was friendly and let {him} pay at the next station. {N} wrote down the price so that {he} would not forget it.
        In the middle of the way the {v=vehicle} stopped, and nobody knew why. After {number} minutes the driver said that a tree had fallen across the road. The passengers got out, and together they pulled it to the side.
        {he} looked out of the window and saw (fields|hills|small villages|the sea), then %a {size} river with {few} boats. {he} counted the bridges until {he} fell asleep. When {he} woke up, it was already {town=town}.
        {he} took the wrong road and came to a village that was not on the map. An old {job} gave {him} {drink} and drew the way on a piece of paper. It was only {few} miles to the next station.
        The bag was so heavy that the handle broke. {he} tied it with a piece of rope and went on. {M} was waiting at the station and carried it the rest of the way.
        The hotel was full, because there was a {festival} in town. The owner sent {him} to {M}, who had a free room. The bed was small, but the window looked out on the (harbour|market|river|garden).
        On the ferry the waves were high, and many passengers felt ill. {N} stayed on deck in the wind and looked at the horizon. {time_adverb} the sea became calm, and {few} dolphins swam beside the boat.""",
        """
        {he} sent a postcard to {M} the same evening.
        The way home seemed much shorter.
        {he} had seen more in one day than in the whole {season}.
        {M} was already waiting at the door.""",
    ),
    "work": (
        """
        began {his} first day as %a {job=job}
        worked as %a {job=job} in {town=town}
        had too much work and too little time
        opened the (workshop|shop|office) at {hour} o'clock
        had to finish an important job before {day}
        was looking for work in {town=town}
        made a mistake at work""",
        """
        A customer brought an old {f=furniture} that had to be repaired. {N} looked at it from all sides and found that a screw was missing. {he} made a new one, and the customer paid {number} coins more than the price.
        The (machine|lamp|pump|printer) stopped in the middle of the work. {he} opened it and saw that the {p=part} was broken. There was no new one in the shop, so {M} drove to {town=town} to buy it.
        {he} had written down the wrong number, and {number} boxes went to the wrong street. {N} told the truth at once and brought them back {himself}. The owner said that anyone could make a mistake once.
        At noon they all sat on the steps and ate their bread. {M} talked about the time when the shop was new. {N} listened {manner} and learned more than in a whole week.
        Nobody came into the shop all morning, because the road was closed. {N} used the time to clean the windows and paint the door {colour}. When the road opened again, many people stopped to look at the new door.
        The work was hard and {his} hands were sore. {M} gave {him} a pair of gloves and showed {him} how to hold the {t=tool}. After that it was much easier.
        The {job} next door needed help with a heavy {f=furniture}. {N} left {his} work for a moment and carried it up the stairs with him. The next day the man brought a basket of {fruit.s}.
        {he} asked in every shop on {street}. In the last one the owner needed someone who could (read well|count fast|drive a van|repair clocks). {N} could do that and began the same day.""",
        """
        At the end of the week {he} got {his} first pay.
        {he} locked the door and walked home slowly.
        {M} said that {N} would be a good {job}.
        The next morning the work began again.""",
    ),
    "school": (
        """
        was late for school
        had to give a talk about {subject=subject}
        did not understand the lesson in {subject=subject}
        began to learn the {i=instrument}
        went to a new school in {town=town}
        forgot {his} homework on the bus
        wanted to win the {subject=subject} prize""",
        """
        The teacher asked a question about {su=subject}, and nobody knew the answer. {N} had read about it in a {book} and raised {his} hand. {he} was right, and the whole class was surprised.
        {he} was afraid to speak in front of so many people. {M} told {him} to look at the back wall and to speak slowly. It worked, and at the end everyone clapped.
        There were {number} questions in the test. {he} answered the easy ones first and came back to the hard ones later. When the bell rang, only one answer was missing.
        {N} shared {his} lunch with a new pupil who sat alone. They found out that they both liked {sport}. From that day they walked to school together.
        The class went to the {b=building} with their teacher. They saw old (maps|tools|coins|paintings) and drew them in their notebooks. {N} drew for so long that {he} nearly missed the bus.
        {he} practised every evening, and the neighbours closed their windows. After {few} months {he} could play a whole song. {M} came to listen and asked {him} to play it again.
        The window of the classroom was broken by a ball. {N} said that {he} had kicked it. The teacher was pleased that {he} was honest, and {he} only had to sweep the floor.
        {M} explained the lesson with {number} {fruit.s} on the table. {N} moved them from one side to the other, and suddenly it was easy. Afterwards they ate them.""",
        """
        {he} told {M} about it on the way home.
        The teacher wrote a good mark in {his} book.
        After school they played {sport} until dinner.
        {he} kept the notebook for many years.""",
    ),
    "storm": (
        """
        saw dark clouds over the (sea|hills|forest)
        woke up because the wind was so loud
        was alone at home when the storm began
        heard on the radio that a storm was coming
        was on the way home when it began to snow
        closed the windows before the storm""",
        """
        The wind broke a branch of the {tree}, and it fell on the (roof|shed|fence). Water came into the {room}, and {N} put {number} pots on the floor. In the morning {M} climbed up with a hammer and repaired the hole.
        The lights went out all over {town=town}. {N} lit a candle and looked for {M}. They sat in the {room} and told stories until the lights came back.
        The river rose quickly and the {path} was under water. {N} carried the {f=furniture.s} upstairs while {M} filled bags with sand. By morning the water had gone down again.
        The snow was so deep that the door would not open. {he} climbed out of the window and dug a path to the street. It took {few} hours, because new snow kept falling.
        A family was standing by the road because their car had stopped. {N} took them home and gave them {drink} and dry clothes. They stayed until the storm was over.
        Thunder rolled over the hills, and the dog hid under the table. {N} counted the seconds between the lightning and the thunder. Each time there were more of them, so the storm was moving away.
        The fisherman's boat had not come back. {N} and {M} carried a lamp to the end of the pier and swung it in the dark. {time_adverb} they saw a small light on the water, and it came closer.""",
        """
        In the morning the sky was blue, as if nothing had happened.
        The neighbours came out and helped each other.
        {N} and {M} swept the leaves from the path.
        The air was clear and cold after the storm.""",
    ),
    "market": (
        """
        went to the market to buy {v=vegetable.s}
        wanted to sell {number} {fruit.s} at the market
        had only {number} coins in {his} pocket
        went to the {shop=shop} on {street=street}
        needed a new {c=clothes}
        walked through the market in {town=town}""",
        """
        The {v=vegetable.s} were too expensive, so {he} went from one stall to the next. At the last one an old farmer had good ones for half the price. {N} bought a whole basket and shared them with {M}.
        {he} paid with a large note and got too much money back. When {he} counted it at home, {he} saw the mistake. {he} walked all the way back, and the {job} thanked {him} and gave him a {fruit}.
        A boy ran into the stall, and {number} {fruit.s} rolled across the street. {N} helped to pick them up. Only {few} of them were broken, and nobody was angry.
        {he} found %a {colour} {c=clothes} that fitted well, but it had a hole in the sleeve. The seller took {number} coins less for it. {M} closed the hole so well that nobody could see it.
        {N} could not decide between %a {colour} cup and %a {colour} one. {M} said that the second one looked like the cup of their grandmother. So {he} bought it and carried it home {manner}.
        By noon {he} had sold almost everything. It began to rain, and the people went home. {N} gave the last {fruit.s} to the children who were waiting under the roof.
        The {s=shop} was about to close for ever, because the owner was old. {N} and {M} told everyone they knew about it. The next week the shop was full, and a young {job} offered to help.""",
        """
        {he} carried everything home in two bags.
        There was enough for the whole week.
        At home {he} put the rest of the money in a jar.
        {M} was pleased with what {N} had bought.""",
    ),
    "repair": (
        """
        noticed that the {p=part} of the {thing=thing} was broken
        wanted to paint the {room=room} {colour}
        heard water dripping in the {room=room}
        tried to repair the old {thing=thing}
        bought an old {thing=thing} for {number} coins
        found a crack in the wall of the {room=room}""",
        """
        {he} took the {thing=thing} apart and laid all the pieces on the table. Then {he} could not remember where they belonged. {M} found a drawing in a {book}, and {time_adverb} everything was back in its place.
        The right {t=tool} was missing, so {he} borrowed one from {M}. It was old, but it worked. In {number} minutes the {p=part} was fixed.
        A pipe had burst, and the floor was wet. {N} turned off the water in the cellar and put a bucket under the pipe. The plumber came at {hour} o'clock and put in a new piece.
        {he} moved the {f=furniture} away from the wall and covered the floor with paper. There was not enough paint, so one wall stayed white. {M} thought that it looked better that way.
        It needed only a drop of oil. After that it ran as smoothly as a new one. {N} laughed, because {he} had been ready to throw it away.
        {he} fell from the ladder, but only a cup was broken. {M} held the ladder after that. They worked until the last nail was in the wall.
        Behind the wall there was a small wooden box. In it lay {number} old (letters|coins|photographs) and a {lost=lost_thing}. {N} took them to the museum in {town=town}, where they can still be seen.""",
        """
        When {he} tried it again, it worked.
        {M} could hardly believe that it was the same {thing=thing}.
        {he} put the tools back in the box.
        The {room=room} looked bright and new.""",
    ),
    "lost": (
        """
        could not find {his} {l=lost_thing}
        lost %a {size_lost} {l=lost_thing} on the way to {town}
        found %a {l=lost_thing} in the street
        noticed that {his} {l=lost_thing} was gone
        promised to look after the {l=lost_thing} of {M}""",
        """
        {he} looked in the {room}, in the {room} and even in the garden. It was {hiding_place}, where nobody had thought of looking. {M} had put it there {manner} and forgotten about it.
        {he} went back the same way and looked at both sides of the {path}. A child had found it and given it to the {job} on {street}. {N} gave the child {number} sweets as a reward.
        {N} wrote a note and hung it (on the door of the {building}|at the station|in the window of the {shop}). {few} days later a man came and described it exactly. He was so happy that he invited {him} for {drink}.
        A {wild=bird} had carried it to its nest because it was so shiny. {M} climbed up with a ladder and found {few} more things there. They gave everything back to the people of {street}.
        {M} asked when {he} had last seen it. {N} remembered that it had been at the {building}. They went there together, and it was still lying (on the bench|on the floor|next to the door).
        {he} emptied all the drawers and found many things that {he} had forgotten, but not the {l}. Then {he} put on {his} coat to go out, and there it was in the pocket.""",
        """
        From then on, {he} kept it in a safe place.
        {N} was so {good} that {he} told everyone.
        {M} laughed about it for days.
        {he} put it on a string so that it could not get lost again.""",
    ),
    "music": (
        """
        played the {i=instrument} in the {place} of {town}
        wanted to sing at the {festival=festival}
        bought an old {i=instrument}
        heard someone playing the {i=instrument} next door
        was asked to play at the {festival=festival}
        went to a concert with {M}""",
        """
        {he} had practised for {number} weeks, but {his} hands were cold. {M} gave {him} a cup of {drink} and told a joke. When {he} went on stage, {he} was no longer afraid.
        In the middle of the song a string broke. {N} went on singing without it, and the people clapped in time. It was the best song of the evening.
        The {i=instrument} was out of tune and had a crack. A {job} on {street} repaired it in {few} days and asked for nothing. He only wanted to hear one song.
        {he} knocked on the door and asked for the name of the song. {M} opened and invited {him} in. Since that day they played together every {day}.
        There were not enough chairs, so the children sat on the floor. {N} played slow songs first and then fast ones. At the end even the old {job} danced.
        The singer was ill and could not come. The people wanted to go home, but {M} pushed {N} forward. {he} sang the only song {he} knew, and the hall became quiet.""",
        """
        The people clapped for {number} minutes.
        {he} hummed the song all the way home.
        {M} asked for one more song.
        The music could be heard as far as {street}.""",
    ),
    "sports": (
        """
        wanted to win the {sp=race} in {town=town}
        trained every morning for the {sp=race}
        played {sport} with {M} in the park
        joined the {sport} club
        learned to (swim|skate|ride a bicycle|row) with {M}""",
        """
        At the start {he} was too fast, and soon {he} was out of breath. {number} others passed {him}. {he} slowed down, found {his} rhythm and passed them again one by one.
        {he} fell and hurt {his} knee. {M}, who was behind, stopped and helped {him} up. They reached the finish together, and nobody cared who was first.
        It was {few} to {few}, and there were only two minutes left. {N} passed the ball to {M}, who was free in front of the goal. The ball went in, and the whole team shouted.
        {he} was smaller than the others, but {he} never gave up. Every day {he} practised a little longer. In {month} {he} was chosen for the team.
        The water was cold, and {he} was afraid to let go. {M} held {him} at first and then took {mhis} hand away. {N} did not notice it until {he} was on the other side.
        The rain had turned the field into mud. They slipped and fell, and soon nobody could tell the teams apart. They laughed so much that they forgot to count the points.""",
        """
        {he} did not win, but {he} was {good}.
        {M} gave {him} a towel and {drink}.
        The prize was a {present}, and {he} put it on the shelf.
        The next race was in {month}.""",
    ),
    "water": (
        """
        went fishing on the lake with {M}
        rowed across the lake in an old boat
        walked along the beach near {town=town}
        built a small boat out of wood
        sat on the river bank and watched the {bird.s}""",
        """
        For {few} hours nothing happened. Then the line moved, and {N} pulled with all {his} strength. It was an old boot, and they laughed until the boat shook.
        The boat had a small hole, and water came in. {M} took a cup and threw the water out while {N} rowed. They reached the shore with wet feet.
        {he} found a bottle in the sand with a letter in it. It was from a {job} on an island far away. {N} wrote an answer, and {few} months later a second letter came.
        Fog came over the water, and they could not see the shore. {N} stopped and listened for the bell of the church. They rowed towards the sound and came home safely.
        They caught {few} fish and made a fire between the stones. {M} had brought {spice} and bread. The fish tasted better than in any restaurant.
        A child had dropped a {toy} into the water. {N} took off {his} shoes and went in up to the knees. The child thanked {him} and waved for a long time.
        The tide came in faster than they had thought. They climbed onto a rock and waited for {few} hours. A fisherman saw the {colour} {clothes} of {M} and took them back in his boat.""",
        """
        The sun went down behind the hills, and the water turned {colour}.
        They walked home with wet shoes.
        {M} wanted to come back the next day.
        {he} kept a white stone from the shore.""",
    ),
    "visit": (
        """
        was ill with {ill=illness}
        heard that {M} was ill
        went to see {M} in the hospital
        had not seen {M} for {number} years
        received a letter from {M}
        went to the doctor because of {ill=illness}""",
        """
        The doctor said that {he} had to stay in bed for {number} days. {M} came every afternoon and read to {him} from a {book}. On the last day they finished it together.
        {N} cooked {dish} and brought it in a warm pot. {M} had not eaten all day and asked for more. Afterwards {mhe} felt a little better.
        The time passed slowly, so {he} watched the street from the window. A {bird} came every morning, and {he} gave it some bread. When {he} was well again, it still came.
        They talked about old times and looked at photographs. In one of them they were both {number_age} years old and stood in front of the {building}. They could not stop laughing about their clothes.
        The letter had been on its way for {few} months, because the address was wrong. {M} wrote that {mhe} would come on {day}. That was already the next day, and {N} began to clean the house at once.
        {he} got a bottle of bitter medicine and had to take it {few} times a day. It tasted terrible, but it helped. After a week {he} could go back to work.
        {N} brought a {present} and some {fruit.s}. The nurse let {him} stay for an hour. {M} smiled for the first time in days.""",
        """
        When {he} left, it was already dark.
        Soon everything was as it had been before.
        They agreed to write to each other every month.
        {M} stood at the window and waved.""",
    ),
    "party": (
        """
        planned a party for the birthday of {M}
        was looking for a present for {M}
        woke up on {his} birthday and nobody was there
        helped to prepare the {festival=festival}
        was invited to a wedding in {town=town}""",
        """
        {he} wanted to buy a {pr=present}, but it cost {number} coins too much. So {he} made one {himself} in the evenings. {M} liked it more than anything from a shop.
        It had to be a secret, so everyone came in through the back door. When {M} opened the door, the lights went on and they all sang. {M} was so surprised that {mhe} had to sit down.
        The cake was on the table when the dog came in. Only {few} pieces were left. {M} baked a new one while {N} told the children a story.
        They hung {colour} lamps in the trees and put long tables on the grass. In the afternoon it began to rain, and they carried everything into the barn. There it was even nicer, because there was room to dance.
        {N} had forgotten the date and came a day too early. {M} laughed and gave {him} work to do. Together they made {number} sandwiches and a big bowl of lemonade.
        {he} thought that they had all forgotten. At {hour} o'clock a boy brought a note with a map. {N} followed it to the {building}, and there they were all waiting with %a {size} cake.""",
        """
        They danced until the candles had burned down.
        The best present was that everyone had come.
        {N} and {M} cleaned up the next morning.
        {he} put the {present} next to {his} bed.""",
    ),
    "forest": (
        """
        went for a walk in the forest
        climbed the hill behind {town=town}
        was gathering (mushrooms|berries|firewood|nuts) in the forest
        lost {his} way in the (forest|hills|fog)
        wanted to see the sunrise from the top of the hill""",
        """
        After an hour the path ended. {he} marked the trees with (chalk|a piece of cloth|small stones) so that {he} could find the way back. Behind the last trees {he} saw the roofs of {town=town}.
        {he} met %a {job} who was sitting on a fallen tree. The man had hurt his foot and could not walk. {N} made a stick for him and helped him down to the road.
        The basket was almost full when {he} heard a noise in the bushes. It was a {wild=wild_animal} with {few} young ones. {he} went back {manner} so that they would not be afraid.
        From the top {he} could see the whole valley, the river and the {building}. {he} ate %a {fruit} and rested in the grass. Then the clouds came, and {he} started down.
        It grew dark, and all the trees looked the same. {N} remembered that the stream flowed towards the village. {he} followed it, and {time_adverb} {he} saw a light.
        {M} knew all the birds by their voices. {mhe} stood still, lifted a finger and said their names. {N} tried to remember them and wrote {number} of them down.
        In a hollow tree {he} found a tin with {number} coins and a note. The note said that the finder should put in something new. {N} took one coin and left %a {toy}.""",
        """
        {M} was already worried and came to meet {him}.
        At home {he} dried {his} shoes by the stove.
        {he} slept with the smell of the forest in {his} clothes.
        The next time {he} took a map and a lamp.""",
    ),
    "neighbour": (
        """
        moved into a house on {street=street}
        had a quarrel with {M} about a fence
        got a new neighbour
        heard loud noise from the house next door
        wanted to help the people on {street=street}""",
        """
        The {tree} stood exactly between the two gardens. {M} wanted to cut it down, but {N} liked the shade. In the end they put a bench under it and sat there together.
        The boxes were still in the hall when the bell rang. {M} stood there with {dish} and a bunch of {flower.s}. They sat on the floor and ate, because there were no chairs yet.
        The noise went on until midnight. {N} knocked at the door and asked what was wrong. {M} was learning to play the {instrument} and did not know that the walls were so thin.
        An old woman could not climb the stairs any more. {N} carried up her shopping every {day}, and {M} repaired the lift. She knitted %a {colour} {clothes} for each of them.
        A ball flew over the wall and broke the {part} of the greenhouse. The children stood there and said nothing. {N} asked them to help with the repair, and they did it well.
        There was only one {tool=tool} on the whole street, and everyone needed it on the same day. {N} made a list and hung it on the door. After that there were no more quarrels.""",
        """
        Since then, they had dinner together once a month.
        They became good friends.
        {street=street} was a friendlier place after that.
        {M} gave {him} a key to the house.""",
    ),
    "farm": (
        """
        drove the {fa=farm_animal.s} to the field
        helped {M} with the harvest
        spent the {season} on a farm near {town=town}
        got up at five to milk the cows
        bought {few} {fa=farm_animal.s} from a farmer""",
        """
        The hay had to be in the barn before the rain came. They all worked without a break, and {M} drove the tractor. The last load was under the roof when the first drops fell.
        One of the {fa=farm_animal.s} was missing in the evening. {N} took a lamp and searched the field. It had fallen into a ditch, and they pulled it out with a rope.
        The hens had stopped laying eggs. {M} thought that it was because of the cold. {N} put more straw in the barn, and {few} days later there were {number} eggs.
        The tractor would not start because the {p=part} was old. They used the horse, as people had done in earlier times. It took longer, but it was quieter, and {N} liked it.
        In the night a calf was born. It was small and could not stand up. {N} rubbed it with straw and stayed with it until it drank.
        The well was dry after the long summer. They dug for {few} days and found water again at {number} feet. It was cold and clear, and everyone drank from the same cup.""",
        """
        {he} was so tired that {he} fell asleep at the table.
        {M} gave {him} a basket of {fruit.s} to take home.
        The barn was full, and the winter could come.
        {he} learned to love the early mornings.""",
    ),
    "library": (
        """
        borrowed a {b=book} from the library
        worked in the library of {town=town}
        found an old letter in a {b=book}
        read a {b=book} until late at night
        wanted to write a story about {town}""",
        """
        The book should have been returned {number} weeks before. {N} was {bad} and brought it back with %a {fruit} for the librarian. The librarian smiled and said that the book had not been missed by anyone.
        The letter was {number} years old and came from %a {job} in {town=town}. {N} looked for the family and found {M}. {M} was the grandchild of the man and had never seen his writing before.
        The story was so exciting that {he} forgot the time. {he} missed dinner and even the last {vehicle}. {M} had to come and fetch {him}.
        A page was missing at the most important place. {N} asked everyone who had read the book. {M} remembered the page and told {him} what it said.
        The roof leaked, and the books got wet. {N} and {M} hung {number} of them on a line to dry. The children came to help and read them while they waited.
        {he} wrote one page every evening. {M} read them and said which parts were too long. In {month} the story was finished, and the newspaper printed it.""",
        """
        {he} went to the library again the next {day}.
        The book now stood on {his} own shelf.
        {M} asked to borrow it next.
        {he} fell asleep with the book in {his} hand.""",
    ),
}

NOTES = lines("""
    The town of {t=town} lay between (a river|the sea|a forest|green hills) and (a wide plain|the mountains|an old wall). Most people there (worked in the {building}|were farmers|went fishing|worked in small shops|grew {fruit.s}). On {day} there was a market, where one could buy {vegetable.s}, {fruit.s} and {flower.s}. In {month} many visitors came for the {festival}. When the {building} was built, everyone helped, because there was no money for workers. (Later|After that|Since then) {t} was known for its {adjective} streets.
    The {building=building} in {t=town} was closed for {number} (weeks|months|days), because the roof had been damaged by the {weather}. The people of the town collected money and (painted the walls|repaired the windows|carried the stones) themselves. On {day} it was opened again. The {job} made a short speech, and the children sang {few} songs. Afterwards there was {dish} and {drink} for everyone.
    The {w=wild_animal} lived at the edge of the forest, not far from {town}. In the {season} it looked for food (at night|in the fields|near the river|under the trees). When it heard a noise, it (stood still|ran away|hid in the grass). One day a {job} left some {vegetable.s} near the path. The {w} waited until it was dark and ate them all. After that it came back every evening, and the {job} was {good} to see it.
    The {s=season} was (long|short|cold|warm|dry|wet) that year. In {month} there was (a lot of rain|no rain at all|snow|a strong wind), and the {vegetable.s} grew (slowly|well|badly). The farmers near {town} were {feel}. Then the weather changed. In {few} weeks the fields were (green|yellow|dry) again, and there was enough for everyone.
    The train from {t=town} to {u=town} was full on {day}, because the {festival} began at {hour} o'clock. {number} people had no seat and stood near the doors. At the third station the train stopped for a long time. The driver explained that there was (a cow|a tree|a broken wagon|too much snow) on the line. Nobody was angry, and a {job} played the {instrument} until the train went on.
    The {sh=shop} on {st=street} was the oldest in {town}. It had %a {colour} door and a bell that rang when someone came in. Children liked it because the owner gave them {fruit.s}. When the owner became old, (his daughter|a young {job}|his nephew) took over the shop. The door was painted {colour}, but the bell stayed the same.
    The school in {t=town} had only {number} pupils. In the {season} they learned {subject} and {subject}, and on {day} they played {sport}. The teacher was strict but fair. Every year in {month} they went to the {building} by {vehicle}. They always came home late and {feel}, and on the next day the lessons began an hour later.
    The house at the end of {st=street} had been empty for {number} years. The windows were broken, and %a {tree} grew through the fence. Then a family from {town} bought it. They painted the walls {colour}, repaired the roof and planted {flower.s} in front of the door. In the {season} the neighbours came to see it, and they could hardly believe that it was the same house.
    The recipe for {d=dish} was simple. First the {vegetable.s} were washed and cut into small pieces. Then they were cooked with {spice} and a little {spice} for {number} minutes. It was important to stir {manner}. The {job} who had invented it never wrote it down, but everyone in {town} knew it. It was eaten on {day}, with {drink}.
    The old bridge near {t=town} was closed after the {weather}. A crack had been found in one of the stones. For {number} weeks people had to (use a boat|walk to the next bridge|wait for the ferry). The repair was done by {number} workers from {town}. On the first day after it was opened, %a {job} with {few} {farm_animal.s} was the first to cross it.
    The {p=pet} of the {j=job} was called {pn=petname}. It was {fur} and had a {spot}. In the morning it waited at the {place} until the {j} came. Once it ran away and was found {number} miles from home. Nobody knew how it had come so far. Since that day the {j} never left {pn} alone.
    The {f=festival} in {t=town} took place on the first {day} in {month}. There were stalls with {fruit.s}, {dish} and {drink}. {number} children ran a race around the {building}, and the winner got %a {present}. In the evening a band played, and even the {job} danced. When it was over, everyone helped to clean the square.
    The clock on the {b=building} had stopped at {hour}. For {few} days nobody noticed, but then people began to come late to (work|school|the market|dinner). The {job} climbed up and found %a {bird} sitting on the {part}. The {bird} was put in a safe place, and {time_adverb} the clock was going again.
    The {tr=tree} in the middle of the village was said to be {number} hundred years old. In the {season} the old people sat under it and talked about the (weather|harvest|news|old times). One night the {weather} broke its largest branch. A {job} made a {furniture} from the wood, and it was given to the {building}. New leaves came the next year.
""")

EXTRA_LINES = {
    "thing": "bicycle\nclock\nradio\nlamp\nsewing machine\nwashing machine\ncar\npiano\nstove\nboat\ncamera\nlawn mower",
    "place": "station\nmarket\ngate\npark\nharbour\nsquare\nvillage hall\nbus stop",
    "water": "river\nlake\npond\nwell\nstream\nbridge",
    "race": "boat race\nlong race\nbicycle race\nswimming race\nchess match\ntennis match\nski race",
    "size_lost": "small\nnew\nbrown\nblack\nred\nold\nfine",
    "spot": "white spot on the nose\nscar on the ear\nblack spot on the back\nwhite tail\nbrown ear\ncollar with a bell",
}

RULES = {name: words(text) for name, text in WORDS.items()}
RULES |= {name: lines(text) for name, text in (RULE_LINES | EXTRA_LINES).items()}
SCENE_RULES = {
    name: {"start": lines(starts), "chain": lines(chains), "scene_end": lines(ends)}
    for name, (starts, chains, ends) in SCENES.items()
}


def companion(rng, gender):
    """Return (pronoun bindings, name function): the first mention introduces the companion by relation."""
    other = "mf"[gender == "m"] if rng.random() < 0.75 else gender
    name = rng.choice(MEN if other == "m" else WOMEN)
    relation = rng.choice(RELATIONS[other])
    mentions = []

    def mention():
        mentions.append(name)
        return name if len(mentions) > 1 else f"{PRONOUNS[gender]['his']} {relation} {name}"

    return {"m" + key: value for key, value in PRONOUNS[other].items()}, name, mention


def story(rng):
    """Return a story of one scene: opening, circumstances, one or two chains, closing."""
    gender = rng.choice("mf")
    pronouns, other_name, mention = companion(rng, gender)
    name = other_name
    while name == other_name:
        name = rng.choice(MEN if gender == "m" else WOMEN)
    scene = rng.choice(list(SCENE_RULES))
    bound = {"N": name, "M": mention} | PRONOUNS[gender] | pronouns
    text = Expander(rng, RULES | SCENE_RULES[scene], bound)
    parts = [rng.choice(OPENINGS)]
    if scene != "storm" and rng.random() < 0.45:
        parts.append(rng.choice(WEATHER))
    parts.append("{chain}")
    if rng.random() < 0.35:
        parts.append("{feeling}")
    if rng.random() < 0.3:
        parts.append("{help}")
    if rng.random() < 0.25:
        parts.append("{chain}")
    if rng.random() < 0.6:
        parts.append("{scene_end}")
    if rng.random() < 0.7:
        parts.append("{closing}")
    return tidy(" ".join(text.expand(part) for part in parts))


def note(rng):
    """Return a short description of a place, an animal, a season."""
    text = Expander(rng, RULES).expand(rng.choice(NOTES))
    sentences = tidy(text).split(". ")
    if rng.random() < 0.4:
        del sentences[rng.randrange(1, len(sentences) - 1)]
    return ". ".join(sentences)


def document(rng):
    """Return one document of the general domain."""
    return story(rng) if rng.random() < 0.8 else note(rng)
