type Row = readonly [query: string, content: string];

/** Five questions in each of ten languages, and the message that answers each: indexed with the configuration `english`. */
export const languages: Readonly<Record<string, readonly Row[]>> = {
  Portuguese: [
    ['onde fica o cafe?', 'O café fica na esquina da praça.'],
    ['quando é a reunião', 'A reuniao é na segunda-feira.'],
    ['Joao', 'O João mudou-se para o Porto.'],
    ['alergia a amendoim', 'A Inês tem alergia a amendoim.'],
    ['pao', 'Compra pão e queijo.'],
  ],
  German: [
    ['Strasse', 'Wir wohnen in der Straße am Park.'],
    ['Zurich', 'Der Flug nach Zürich ist am Freitag.'],
    ['GRÖSSE', 'Meine Größe ist 42.'],
    ['Muller', 'Frau Müller hat angerufen.'],
    ['Katze', 'Unsere Katze heißt Minka.'],
  ],
  French: [
    ['eleve', 'Cet élève habite à Lyon.'],
    ['coeur', 'Il a mal au cœur.'],
    ['l’école', "L'école ferme à midi."],
    ['Noël', 'On fête Noel chez mamie.'],
    ['garcon', 'Le garçon aime le vélo.'],
  ],
  Polish: [
    ['lodz', 'Moja siostra mieszka w Łódź.'],
    ['zolty', 'Kupiłem żółty rower.'],
    ['Wrocław', 'Jedziemy do Wroclaw w maju.'],
    ['ksiazka', 'Ta książka jest świetna.'],
    ['pies', 'Pies ma na imię Reks.'],
  ],
  Greek: [
    ['ΟΔΥΣΣΕΥΣ', 'Ο Οδυσσεύς γύρισε.'],
    ['σπιτι', 'Το σπίτι είναι μικρό.'],
    ['Αθήνα', 'Μένω στην ΑΘΗΝΑ.'],
    ['γατα', 'Η γάτα κοιμάται.'],
    ['θάλασσα', 'Αγαπώ τη θαλασσα.'],
  ],
  Arabic: [
    ['محمد', 'قال مُحَمَّد إنه قادم.'],
    ['احمد', 'أحمد يسكن في القاهرة.'],
    ['مدرسه', 'مدرسة الحي مغلقة.'],
    ['كتاب', 'هذا كـتـاب جديد.'],
    ['مستشفى', 'زرنا مستشفي المدينة.'],
  ],
  Japanese: [
    ['日本', '来年は日本へ行きます。'],
    ['東京', '姉は東京に住んでいます。'],
    ['アレルギー', 'えびアレルギーがあります。'],
    ['ｺｰﾋｰ', 'コーヒーが好きです。'],
    ['誕生日', '誕生日は五月です。'],
  ],
  Chinese: [
    ['北京', '我妹妹住在北京。'],
    ['过敏', '他对花生过敏。'],
    ['生日', '我的生日是五月三日。'],
    ['火车站', '我们在火车站见面。'],
    ['猫', '我家的猫叫小白。'],
  ],
  Korean: [
    ['서울', '언니는 서울에서 살아요.'],
    ['커피', '커피를 좋아해요.'],
    ['고양이', '우리 고양이는 하얀색이에요.'],
    ['생일', '생일이 오월이에요.'],
    ['집', '집에서 만나요.'],
  ],
  Thai: [
    ['กาแฟ', 'ฉันชอบดื่มกาแฟทุกเช้า'],
    ['กรุงเทพ', 'พี่สาวอยู่ที่กรุงเทพ'],
    ['แมว', 'เรามีแมวสองตัว'],
    ['แพ้', 'เขาแพ้อาหารทะเล'],
    ['วันเกิด', 'วันเกิดของฉันคือเดือนพฤษภาคม'],
  ],
};
