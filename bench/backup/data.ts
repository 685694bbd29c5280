/** Rows that a dump compresses to about a third: half of their text is random, half is words that come again. */

const SYLLABLES = "ka lo mi ter an sol ve ri du pex on ta ge ru nim as el vor hi zu".split(" ");
/** Short: a server walks through it for each piece that it takes of it. */
const TEXT_LENGTH = 4000;

/** Pseudo-words, the same in every run. */
export function words(): string {
  let state = 7;
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const made: string[] = [];
  for (let length = 0; length < TEXT_LENGTH; ) {
    const word = Array.from({ length: 1 + next(4) }, () => SYLLABLES[next(SYLLABLES.length)]).join("");
    made.push(word);
    length += word.length + 1;
  }
  return made.join(" ").slice(0, TEXT_LENGTH);
}

/** Bytes of a dump for each order, its part of a customer included; and how many orders a customer has. */
export const ORDER_BYTES = { mariadb: 268, postgres: 260 } as const;
export const ORDERS_A_CUSTOMER = 20;

/** A batch is one transaction: small enough for every server's log. */
export const BATCH = 200_000;

export const SCHEMA = {
  mariadb: [
    "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80) NOT NULL)",
    `CREATE TABLE orders (id INT PRIMARY KEY, customer INT NOT NULL, token CHAR(64) NOT NULL, hash CHAR(32) NOT NULL,
      note TEXT NOT NULL, remark TEXT NOT NULL, placed DATETIME NOT NULL, KEY placed (placed),
      CONSTRAINT order_customer FOREIGN KEY (customer) REFERENCES customers (id))`,
  ],
  postgres: [
    "CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL)",
    `CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, token text NOT NULL,
      hash text NOT NULL, note text NOT NULL, remark text NOT NULL, placed timestamp NOT NULL)`,
    "CREATE INDEX ON orders (customer)",
    "CREATE INDEX ON orders (placed)",
  ],
} as const;

/** Statements that take FROM, TO and, of orders, the text of `words`. */
export const FILL = {
  mariadb: {
    customers: (from: number, to: number) =>
      `INSERT INTO customers SELECT seq, CONCAT('customer ', MD5(seq)) FROM seq_${from}_to_${to}`,
    orders: (from: number, to: number) =>
      `INSERT INTO orders SELECT seq, 1 + seq DIV ${ORDERS_A_CUSTOMER}, CONCAT(MD5(seq), MD5(-seq)), MD5(seq + 0.5),
        SUBSTRING(@words, 1 + MOD(seq * 7919, ${TEXT_LENGTH - 200}), 60), SUBSTRING(@words, 1 + MOD(seq * 104729, ${TEXT_LENGTH - 200}), 60),
        '2026-01-01' + INTERVAL seq SECOND FROM seq_${from}_to_${to}`,
  },
  postgres: {
    customers: (from: number, to: number) =>
      `INSERT INTO customers SELECT n, 'customer ' || md5(n::text) FROM generate_series(${from}, ${to}) n`,
    orders: (from: number, to: number) =>
      `INSERT INTO orders SELECT n, 1 + n / ${ORDERS_A_CUSTOMER}, md5(n::text) || md5((-n)::text), md5((n + 0.5)::text),
        substr(t, 1 + ((n::bigint * 7919) % ${TEXT_LENGTH - 200})::int, 60), substr(t, 1 + ((n::bigint * 104729) % ${TEXT_LENGTH - 200})::int, 60),
        timestamp '2026-01-01' + n * interval '1 second'
        FROM generate_series(${from}, ${to}) n, current_setting('bench.words') t`,
  },
} as const;
