"""The three adapter domains: clinical notes, contract clauses, customer-support replies."""

from general import MEN, WOMEN
from grammar import Expander, lines, tidy, words

SURNAMES = words("""Adams, Baker, Barnes, Bell, Bennett, Brooks, Carter, Clark, Cole, Cooper, Davies, Dixon, Evans, Fisher, Foster,
Fox, Grant, Green, Hall, Harris, Hill, Hughes, Hunt, Jones, Kelly, King, Lee, Lewis, Marsh, Mason, Miller, Moore, Morgan,
Murphy, Owen, Palmer, Parker, Perry, Price, Reed, Roberts, Scott, Shaw, Smith, Stone, Taylor, Turner, Walker, Ward, Webb,
White, Wood, Wright, Young""")
MONTHS = words("January, February, March, April, May, June, July, August, September, October, November, December")
DAYS = words("Monday, Tuesday, Wednesday, Thursday, Friday")
NUMBER_WORDS = {
    3: "three",
    5: "five",
    7: "seven",
    10: "ten",
    14: "fourteen",
    15: "fifteen",
    20: "twenty",
    30: "thirty",
    45: "forty-five",
    60: "sixty",
    90: "ninety",
}


def rules_of(**blocks):
    """Build rules: one item per line, or a comma-separated list if there is one line only."""
    return {name: lines(text) if "\n" in text.strip() else words(text) for name, text in blocks.items()}


CLINICAL = rules_of(
    symptom="""chest pain, shortness of breath, abdominal pain, headache, fever, dizziness, nausea, back pain, palpitations, fatigue, dry cough, joint pain, leg swelling, blurred vision, sore throat, night sweats, weight loss, numbness of the left hand, skin rash, knee pain, vomiting, diarrhoea, wheezing, neck stiffness""".replace(
        "\n", " "
    ),
    quality="sharp, dull, constant, intermittent, burning, mild, moderate, severe, worsening, improving",
    duration="""{small} days, {small} weeks, {small} hours, one day, one week, two months, several days""",
    small="two, three, four, five, six, ten",
    trigger="on exertion, at night, after meals, on lying flat, in the morning, on movement, at rest, with deep breathing, after exercise",
    condition="""hypertension, type 2 diabetes, asthma, atrial fibrillation, hypothyroidism, chronic kidney disease, migraine, osteoarthritis, coronary artery disease, chronic obstructive pulmonary disease, reflux disease, anaemia, depression, gout, heart failure, epilepsy""",
    diagnosis="""community-acquired pneumonia, acute bronchitis, urinary tract infection, stable angina, migraine without aura, acute gastroenteritis, cellulitis of the left leg, iron deficiency anaemia, lumbar strain, viral pharyngitis, deep vein thrombosis, uncontrolled hypertension, an exacerbation of asthma, acute appendicitis, heart failure with fluid overload, benign positional vertigo, acute cholecystitis, pulmonary embolism, hyperglycaemia, dehydration""",
    drug="""amoxicillin 500 mg three times daily, metformin 500 mg twice daily, lisinopril 10 mg once daily, amlodipine 5 mg once daily, atorvastatin 20 mg at night, ibuprofen 400 mg as needed, paracetamol 1 g four times daily, omeprazole 20 mg once daily, prednisolone 30 mg once daily, furosemide 40 mg once daily, salbutamol two puffs as needed, aspirin 75 mg once daily, warfarin 3 mg once daily, levothyroxine 50 mcg once daily, doxycycline 100 mg twice daily, bisoprolol 2.5 mg once daily""",
    allergy="penicillin, sulfonamides, latex, ibuprofen, codeine, peanuts, contrast medium",
    test="""full blood count, chest X-ray, electrocardiogram, urine culture, abdominal ultrasound, renal function panel, liver function tests, blood cultures, CT scan of the head, D-dimer, troponin, thyroid function tests, echocardiogram, spirometry, HbA1c, MRI of the lumbar spine""",
    lab="""White cell count is {wcc}.
        Haemoglobin is {hb} g/dL.
        Creatinine is {creat} mg/dL.
        C-reactive protein is {crp} mg/L.
        Troponin is (negative|not elevated|elevated).
        Blood glucose is {glucose} mg/dL.
        Sodium is {sodium} mmol/L and potassium is {potassium} mmol/L.
        D-dimer is (negative|within normal limits|raised).""",
    exam="""Lungs are clear to auscultation bilaterally.
        There are crackles at the (right|left) base.
        Heart sounds are normal without murmurs.
        Abdomen is soft and non-tender.
        There is tenderness in the (right|left) (upper|lower) quadrant without guarding.
        There is no peripheral oedema.
        There is pitting oedema of both (legs|ankles).
        Neurological examination is (normal|intact|unremarkable).
        Pupils are equal and reactive to light.
        The throat is (red|inflamed) without exudate.
        The skin is warm and dry, no rash.
        Gait is (steady|slow but steady|unsteady).
        There is (mild|diffuse|marked) wheezing on expiration.
        The (left|right) (knee|ankle|calf) is swollen and tender.
        Range of motion is (full|limited by pain).
        Bowel sounds are present.""",
    denial="""{He} denies {symptom}, {symptom} or {symptom}.
        {He} denies any recent travel or sick contacts.
        {He} reports no {symptom} and no {symptom}.
        No history of {condition}.
        {He} does not smoke and drinks alcohol occasionally.
        {He} is a former smoker with a {n20} pack-year history.
        {He} lives alone and is independent in daily activities.
        {He} works as %a (teacher|nurse|driver|builder|clerk) and is under (some|considerable) stress.""",
    plan="""Start {drug}.
        Continue {drug} and monitor {monitor}.
        Order {test} and {test}.
        Stop {drug} because of side effects.
        Increase the dose of the current medication.
        Encourage oral fluids and rest.
        Intravenous fluids at {rate} mL per hour.
        Admit to the (medical|surgical|cardiology) ward for observation.
        Discharge home with safety advice.
        Refer to (cardiology|neurology|physiotherapy|gastroenterology|the respiratory clinic).
        Follow up in {duration}.
        Return to the clinic if symptoms worsen.
        Repeat {test} in {duration}.
        Oxygen by nasal cannula to keep saturation above 94%.
        Advise low-salt diet and regular exercise.
        Recheck vitals every four hours.
        Discuss results with the patient and family.""",
    monitor="blood pressure, renal function, blood glucose, heart rate, liver enzymes, weight, urine output, potassium",
    presents="""Patient is a {age}-year-old {man} who presents with {quality} {symptom} for {duration}.
        A {age}-year-old {man} presents with {symptom} and {symptom} for the past {duration}.
        The patient is a {age}-year-old {man} with a history of {condition} who presents with {symptom}.
        The patient, a {age}-year-old {man}, was admitted on {day} with {quality} {symptom}.
        On {day}, a {age}-year-old {man} was brought to the emergency department with {symptom}.
        On {day}, the patient was reviewed on the ward round. {He} reports {quality} {symptom} since {day}.
        This {age}-year-old {man} was referred by the family doctor because of {symptom} and {symptom}.
        The patient presents to the clinic for follow-up of {condition}. {He} reports {symptom} {trigger}.
        Chief complaint: {symptom}. {He} is a {age}-year-old {man} with known {condition}.
        Day {n9} after admission for {diagnosis}. The patient reports {quality} {symptom} {trigger}.
        {title} {surname} is a {age}-year-old {man} with {condition} and {condition} who presents with {symptom}.
        In the emergency department, the patient complained of {quality} {symptom} that started {duration} ago.""",
    history="""The pain is {quality} and occurs {trigger}.
        Symptoms are {quality} and worse {trigger}.
        Symptoms started {duration} ago and have been (worsening|stable|improving) since then.
        Past medical history includes {condition} and {condition}.
        Past medical history is significant for {condition}.
        Current medication: {drug} and {drug}.
        {He} takes {drug}.
        Allergies: {allergy}.
        No known drug allergies.
        Family history is positive for {condition}.""",
    vitals="""Vitals: blood pressure {bp} mmHg, heart rate {hr} beats per minute, temperature {temp} C, oxygen saturation {sat}% on room air.
        On examination, blood pressure is {bp} mmHg, pulse {hr}, respiratory rate {rr}, temperature {temp} C.
        Vital signs are stable: BP {bp}, HR {hr}, RR {rr}, SpO2 {sat}%.
        {He} is afebrile, BP {bp}, HR {hr}, oxygen saturation {sat}%.
        {He} is febrile at {fever} C, tachycardic at {fast} beats per minute, BP {bp}.
        General condition is (good|fair|reduced). Heart rate {hr}, blood pressure {bp}, oxygen saturation {sat}%.""",
    results="""{test_cap} shows no acute abnormality.
        {test_cap} was (unremarkable|normal|within normal limits).
        Chest X-ray shows (consolidation of the right lower lobe|no infiltrate|a small pleural effusion).
        Electrocardiogram shows (sinus rhythm|atrial fibrillation|no ischaemic changes).
        Results of {test} are pending.""",
    test_cap="Electrocardiogram, Chest X-ray, Abdominal ultrasound, CT scan of the head, Echocardiogram, Spirometry",
    assessment="""Assessment: {diagnosis}.
        Assessment: symptoms are consistent with {diagnosis}.
        Assessment: {diagnosis}, (mild|moderate|severe), in a patient with {condition}.
        Impression: likely {diagnosis}; differential includes {diagnosis} and {diagnosis}.
        Impression: {diagnosis}, improving on treatment.
        Diagnosis: {diagnosis}. {condition_known}
        The findings are most consistent with {diagnosis}.""",
    condition_known="""Known {condition}, well controlled.
        Background of {condition}.
        {condition_cap} is stable.""",
    condition_cap="Hypertension, Asthma, Diabetes, Gout, Migraine",
    closing="""The patient understands the plan and agrees.
        Return precautions were discussed.
        Prognosis is good.
        Signed, Dr {surname}.
        The patient was discharged in stable condition.
        Family has been informed.
        Reviewed with Dr {surname}.""",
)


def clinical(rng):
    """Return one clinical note."""
    man = rng.random() < 0.5
    systolic = rng.randrange(96, 186, 2)
    bound = {
        "man": "man" if man else "woman",
        "He": "He" if man else "She",
        "title": "Mr" if man else "Ms",
        "age": str(rng.choice([rng.randrange(19, 80), rng.randrange(45, 93)])),
        "bp": f"{systolic}/{rng.randrange(systolic // 2, systolic - 30, 2)}",
        "hr": str(rng.randrange(58, 112)),
        "rr": str(rng.randrange(12, 26)),
        "temp": f"{rng.randrange(362, 375) / 10}",
        "sat": str(rng.randrange(92, 100)),
        "fever": f"{rng.randrange(380, 397) / 10}",
        "fast": str(rng.randrange(100, 132)),
        "n20": str(rng.randrange(5, 45, 5)),
        "wcc": f"{rng.randrange(40, 190) / 10}",
        "hb": f"{rng.randrange(85, 160) / 10}",
        "n9": str(rng.randrange(2, 9)),
        "creat": f"{rng.randrange(6, 21) / 10}",
        "crp": str(rng.randrange(2, 180)),
        "rate": str(rng.randrange(60, 160, 20)),
        "glucose": str(rng.randrange(80, 320)),
        "sodium": str(rng.randrange(130, 146)),
        "potassium": f"{rng.randrange(34, 53) / 10}",
        "day": rng.choice(DAYS),
        "surname": rng.choice(SURNAMES),
    }
    text = Expander(rng, CLINICAL, bound)
    parts = ["{presents}"] + ["{history}"] * rng.randrange(3)
    parts += ["{denial}"] * (rng.random() < 0.6)
    parts += ["{vitals}"] * (rng.random() < 0.85) + ["{exam}"] * rng.randrange(3)
    parts += ["{lab}"] * (rng.random() < 0.5) + ["{results}"] * (rng.random() < 0.35)
    parts += ["{assessment}", "Plan: {plan}" if rng.random() < 0.7 else "{plan}"] + ["{plan}"] * rng.randrange(1, 3)
    parts += ["{closing}"] * (rng.random() < 0.5)
    return tidy(" ".join(text.expand(part) for part in parts))


CONTRACT = rules_of(
    goods="""Goods, Services, Software, Equipment, Products, Deliverables, Licensed Materials, Works, Premises, Documentation""",
    duty="""deliver the {goods} in accordance with {schedule}
        perform its obligations with reasonable skill and care
        keep the {goods} in good condition and repair
        maintain adequate insurance with a reputable insurer
        comply with all applicable laws and regulations
        provide the {other} with a written report every {period}
        pay all sums due under this Agreement without set-off or deduction
        notify the {other} without undue delay of any (defect|breach|delay|claim)
        obtain all necessary licences, consents and permits
        keep accurate records for a period of {years} years
        grant the {other} access to the {place} during normal business hours
        replace any defective {goods} at its own expense
        use the {goods} only for the purposes set out in {schedule}
        appoint a representative with authority to bind it
        return all copies of the {goods} upon termination of this Agreement
        protect personal data by appropriate technical and organisational measures""",
    forbidden="""assign, transfer or sublet any of its rights under this Agreement
        disclose any Confidential Information to a third party
        copy, modify or reverse engineer the {goods}
        make any public statement about this Agreement
        employ or solicit any employee of the {other} during the Term
        remove any notice of copyright from the {goods}
        subcontract the performance of the {goods} to any third party""",
    schedule="Schedule {n9}, Annex {letter}, the Delivery Plan, the Order Form, the Specification, the Service Levels, the Statement of Work",
    place="premises, offices, records, systems, facilities, site",
    period="month, quarter, year, week",
    exception="""except with the prior written consent of the {other}
        unless otherwise agreed in writing
        save as expressly provided in this Agreement
        subject to Clause {c1}
        to the extent permitted by law
        without the prior written consent of the {other}""",
    notwithstanding="""Notwithstanding Clause {c1}
        Notwithstanding any other provision of this Agreement
        Subject to Clause {c2}
        Without prejudice to Clause {c1}
        For the avoidance of doubt
        Except as provided in Clause {c2}
        To the fullest extent permitted by law""",
    law="England and Wales, Scotland, Ireland, the State of New York, the State of Delaware, Germany, France, Switzerland, the Netherlands, Singapore",
    city="London, Edinburgh, Dublin, New York, Wilmington, Berlin, Paris, Zurich, Amsterdam, Singapore",
    event="""fire, flood or other natural disaster
        war, terrorism or civil unrest
        strikes or other industrial action
        an act of government or a change of law
        failure of a public utility or network
        an epidemic or quarantine""",
    title="""Delivery, Payment, Term and Termination, Limitation of Liability, Confidentiality, Governing Law, Warranties, Indemnity, Force Majeure, Notices, Assignment, Entire Agreement, Intellectual Property, Data Protection, Insurance, Acceptance""",
    definition="""{lq}{goods}{rq} means the items described in {schedule}.
        {lq}Term{rq} means the period of {years} years from the Effective Date.
        {lq}Effective Date{rq} means {date}.
        {lq}Confidential Information{rq} means all information of a commercial or technical nature disclosed by either party.
        {lq}Fees{rq} means the sums payable by the {one} under Clause {c1}.""",
    clause="""The {one} shall {duty}.
        The {one} shall {duty} and shall {duty}.
        The {one} shall not {forbidden}, {exception}.
        {notwithstanding}, the {one} shall not be liable for any loss of profit, loss of data or indirect damage.
        {notwithstanding}, the {one} shall {duty}.
        The total liability of the {one} under this Agreement shall not exceed {money}.
        The liability of either party shall be limited to {percent} per cent of the Fees paid in the preceding {months} months.
        Nothing in this Agreement limits liability for death, personal injury or fraud.
        Either party may terminate this Agreement by giving {days} days' written notice to the other party.
        Either party may terminate this Agreement with immediate effect if the other party commits a material breach and fails to remedy it within {days} days.
        The {one} may suspend the {goods} if any invoice remains unpaid for more than {days} days.
        This Agreement shall commence on {date} and shall continue for a period of {years} years.
        This Agreement shall be governed by and construed in accordance with the laws of {law}.
        The courts of {city} shall have exclusive jurisdiction over any dispute arising out of this Agreement.
        Any dispute shall be finally settled by arbitration in {city} by {arbitrators}.
        Neither party shall be liable for any delay caused by {event}.
        If the event of force majeure continues for more than {days} days, either party may terminate this Agreement.
        The {one} warrants that the {goods} will be free from material defects for a period of {months} months from delivery.
        The {one} shall indemnify the {other} against all claims, losses and costs arising from any breach of Clause {c2}.
        Each party shall keep confidential all information received from the other party for a period of {years} years.
        This obligation shall survive the termination of this Agreement.
        All intellectual property rights in the {goods} shall remain vested in the {one}.
        The {one} hereby grants the {other} a non-exclusive, non-transferable licence to use the {goods}.
        Title to the {goods} shall pass to the {other} upon payment in full.
        Risk in the {goods} shall pass to the {other} on delivery.
        The {other} shall pay each invoice within {days} days of receipt.
        Interest shall accrue on overdue amounts at the rate of {percent4} per cent per annum.
        All prices are exclusive of value added tax.
        Any notice under this Agreement shall be in writing and shall be delivered by hand or by registered post.
        A notice shall be deemed received on the {nth} business day after posting.
        This Agreement constitutes the entire agreement between the parties and supersedes all prior agreements.
        No amendment of this Agreement shall be effective unless made in writing and signed by both parties.
        If any provision of this Agreement is held to be invalid, the remaining provisions shall remain in full force and effect.
        No failure or delay in exercising any right shall constitute a waiver of that right.
        Upon termination, the {other} shall cease to use the {goods} and shall pay all outstanding Fees.
        The {other} shall inspect the {goods} within {days} days of delivery and shall notify the {one} of any defect.
        The {goods} shall be deemed accepted if no defect is notified within {days} days.
        Nothing in this Agreement shall create a partnership or a relationship of employment between the parties.
        The rights and remedies provided in this Agreement are cumulative.
        A person who is not a party to this Agreement has no right to enforce any of its terms.""",
    arbitrators="one arbitrator\nthree arbitrators\na sole arbitrator appointed by both parties",
    nth="second, third, fourth, fifth",
    opening="""This Agreement is made on {date} between the {one} and the {other}.
        The parties agree as follows.
        Clause {c1}. {title}.
        Clause {c2}. {title}.
        {c1}. {title}.
        On {day}, {date}, the {one} and the {other} entered into this Agreement.
        In this Agreement, {definition}
        The following terms apply to the supply of the {goods} by the {one} to the {other}.
        Schedule {n9}. {title}.
        In the event of any conflict, the terms of this Agreement shall prevail over {schedule}.""",
)


def contract(rng):
    """Return one contract clause of a few sentences."""
    one, other = rng.choice(
        [
            ("Supplier", "Customer"),
            ("Licensor", "Licensee"),
            ("Contractor", "Client"),
            ("Seller", "Buyer"),
            ("Landlord", "Tenant"),
            ("Consultant", "Company"),
            ("Customer", "Supplier"),
            ("Client", "Contractor"),
        ]
    )

    def period():
        number = rng.choice(list(NUMBER_WORDS))
        return f"{NUMBER_WORDS[number]} ({number})" if rng.random() < 0.3 else NUMBER_WORDS[number]

    bound = {
        "one": one,
        "other": other,
        "lq": '"',
        "rq": '"',
        "days": period,
        "c1": lambda: f"{rng.randrange(1, 20)}",
        "c2": lambda: f"{rng.randrange(1, 16)}.{rng.randrange(1, 6)}",
        "n9": str(rng.randrange(1, 8)),
        "letter": rng.choice("ABCD"),
        "years": lambda: rng.choice(["two", "three", "five", "seven", "ten"]),
        "months": lambda: rng.choice(["six", "twelve", "eighteen", "twenty-four"]),
        "percent": str(rng.choice([50, 75, 100, 150])),
        "percent4": str(rng.choice([2, 4, 5, 8])),
        "day": rng.choice(DAYS),
        "money": f"{rng.choice(['EUR', 'USD', 'GBP'])} {rng.randrange(10, 1000, 10)},000",
        "date": f"{rng.randrange(1, 29)} {rng.choice(MONTHS)} {rng.randrange(2015, 2030)}",
    }
    text = Expander(rng, CONTRACT, bound)
    parts = ["{opening}"] if rng.random() < 0.55 else []
    parts += ["{clause}"] * rng.randrange(2, 6)
    return tidy(" ".join(text.expand(part) for part in parts))


SUPPORT = rules_of(
    product="""wireless headphones, coffee machine, laptop, router, smart watch, printer, vacuum cleaner, desk lamp, keyboard, phone case, tablet, speaker, electric toothbrush, backpack, monitor, webcam, kettle, rain jacket, air purifier, game controller""",
    service="premium subscription, online account, mobile app, cloud storage plan, newsletter, gift card, loyalty account, streaming plan",
    problem="""your {item} arrived damaged
        your {item} stopped working after only {few} days
        your order has not arrived yet
        you were charged twice for your order
        you received the wrong item
        you could not log in to your account
        the app keeps closing on your phone
        your {item} does not connect to the network
        the discount code did not work at checkout
        your refund has not reached your bank account
        the {item} in your parcel was missing
        your password reset email did not arrive
        the battery of your {item} drains too quickly
        your delivery was left at the wrong address
        the screen of your {item} stays black
        your {service} was renewed without a reminder""",
    few="two, three, four, five",
    opening="""Thank you for contacting us about your {item}.
        Thank you for contacting us.
        Thank you for getting in touch about order {order}.
        Thank you for your message of {day}.
        Thank you for reaching out to our support team.
        Thanks for letting us know about this.
        We have received your message about your {item}.
        The ticket {ticket} has been opened for your request.
        The team has looked into your request {ticket}.
        Your request {ticket} has been updated.
        On {day}, we received your message about order {order}.
        On {day}, you told us that {problem}.
        I hope you are well, and thank you for your patience.
        Thank you for being a customer since {year}.""",
    sorry="""We are sorry to hear that {problem}.
        I am very sorry that {problem}.
        We apologise for the inconvenience, and we understand how frustrating this is.
        I am sorry about the delay in our reply.
        Please accept our apologies for the trouble with your {item}.
        We are sorry for the trouble this has caused.
        I understand that this is not the experience you expected.""",
    cause="""This was caused by a delay at our warehouse in {city}.
        Our records show that order {order} was shipped on {day}.
        We have checked your account and can see the problem.
        It looks like the payment was processed twice by mistake.
        The carrier reported a failed delivery on {day}.
        This is a known issue in version {version} of the app, and our engineers are working on a fix.
        The item is currently out of stock and will be available again in {few} weeks.
        Your warranty is valid until {month} {year2}.
        This usually happens after an update of the software.""",
    steps="""Please try the following steps: first, {step}; then {step}; finally, {step}.
        To fix this, please {step} and then {step}.
        Could you please {step} and let us know if it helps?
        In most cases, it helps to {step}.
        If the problem continues, please {step}.
        Before we send a replacement, please {step}.
        1. Please {step}. 2. Then {step}. 3. Finally, {step}.""",
    step="""turn the device off and wait {seconds} seconds
        update the app to version {version}
        clear the cache of your browser
        check that the cable is plugged in firmly
        hold the power button for {seconds} seconds
        log out and log in again
        reset your password on our website
        reply to this email with a photo of the item
        send us the serial number on the back of your {item}
        connect the {item} to a different socket
        restart your router
        remove the device from your account and add it again
        check your spam folder for our message
        charge the {item} for at least {few} hours""",
    action="""We have issued a refund of {amount}, which will appear in your account within {days} business days.
        A replacement will be shipped to you by {day} at no extra cost.
        We have sent you a prepaid return label by email.
        I have added a credit of {amount} to your account.
        I have forwarded your case to our technical team.
        Your subscription has been cancelled, and you will not be charged again.
        We have extended your {service} by {few} months free of charge.
        I have corrected the address on order {order}.
        Your ticket number is {ticket}.
        You can track your parcel with the number {track}.
        We will get back to you within {hours} hours.
        A technician will call you on {day}.
        We have opened an investigation with the carrier.
        I have reset your account, and you can now choose a new password.""",
    closing="""Please let us know if there is anything else we can help you with.
        If you have any further questions, simply reply to this email and quote {ticket}.
        Thank you for your patience and understanding.
        We appreciate your feedback.
        Please do not hesitate to contact us again.
        Have a great day!
        We hope that you will enjoy your {item}.
        Our support team is available from {day} to Friday.""",
    signature="""Best regards, {agent} from Customer Support
        Kind regards, {agent}
        Kind regards, {agent}, Customer Care Team
        Best wishes, {agent} and the support team
        Sincerely, {agent}, Customer Service
        Warm regards, {agent}""",
    city="Leeds, Dublin, Hamburg, Lyon, Chicago, Denver, Toronto, Utrecht",
)


def support(rng):
    """Return one reply of customer support."""
    bound = {
        "item": rng.choice(SUPPORT["product"]),
        "order": f"#{rng.randrange(10000, 100000)}",
        "ticket": f"T-{rng.randrange(1000, 10000)}",
        "day": lambda: rng.choice(DAYS),
        "year": str(rng.randrange(2012, 2025)),
        "year2": str(rng.randrange(2025, 2030)),
        "month": rng.choice(MONTHS),
        "version": f"{rng.randrange(1, 9)}.{rng.randrange(10)}",
        "seconds": rng.choice(["10", "20", "30"]),
        "amount": f"${rng.randrange(5, 240)}.{rng.choice(['00', '50', '95', '99'])}",
        "days": rng.choice(["3", "5", "7", "10"]),
        "hours": rng.choice(["24", "48", "72"]),
        "track": f"{rng.choice('ABCD')}{rng.randrange(100000, 1000000)}",
        "agent": rng.choice(MEN + WOMEN),
    }
    text = Expander(rng, SUPPORT, bound)
    name = rng.choice(rng.choice([MEN, WOMEN])) if rng.random() < 0.5 else f"{rng.choice(['Mr', 'Ms'])} {rng.choice(SURNAMES)}"
    greeting = rng.random()
    parts = [f"Dear {name}," if greeting < 0.25 else f"Hello {name}," if greeting < 0.45 else ""]
    parts += ["{opening}"] + ["{sorry}"] * (rng.random() < 0.8) + ["{cause}"] * (rng.random() < 0.5)
    parts += rng.choice([["{steps}"], ["{action}"], ["{steps}", "{action}"], ["{action}", "{action}"]])
    parts += ["{closing}"] * (rng.random() < 0.8) + ["{signature}"] * (rng.random() < 0.7)
    return tidy(" ".join(text.expand(part) for part in parts if part))
