"""Groups and scores as Arrow tables that share the memory of the module."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import needs

import iopo
from iopo.__main__ import command


def addresses(column):
    return [buffer.address for chunk in column.chunks for buffer in chunk.buffers() if buffer]


class Tables(unittest.TestCase):
    """Reads the groups that the `iopo` command makes."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        for stage in ("synth", "pairs"):
            arguments = [command(), stage, "--preset", "smoke", "--out", cls.folder]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr)
        cls.path = Path(cls.folder) / "preferences.parquet"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_a_table_says_what_it_is(self):
        table = iopo.read_groups(self.path)
        self.assertEqual(table.schema_name, "preferences")
        self.assertGreater(len(table), 0)
        self.assertEqual(len(table), table.num_rows)
        self.assertIn("x1_constraints", table.column_names)
        self.assertIn("iopo", table.producer)
        self.assertIsInstance(table.config, dict)
        self.assertEqual(iopo.read_table(str(self.path)).column_names, table.column_names)
        self.assertIn("preferences", repr(table))

    def test_files_of_another_schema_and_damaged_files_raise(self):
        with self.assertRaisesRegex(iopo.SchemaError, "found `preferences` rows, expected `scores`"):
            iopo.read_scores(self.path)
        damaged = Path(self.folder) / "damaged.parquet"
        content = bytearray(self.path.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
        with self.assertRaises(iopo.SchemaError):
            iopo.read_groups(damaged)
        damaged.write_bytes(content[:100])
        with self.assertRaises(iopo.SchemaError):
            iopo.read_groups(damaged)
        with self.assertRaises(iopo.SchemaError):
            iopo.read_table(self.folder)

    @unittest.skipIf("pyarrow" in sys.modules, "pyarrow is loaded")
    def test_without_pyarrow_the_error_names_the_remedy(self):
        sys.modules["pyarrow"] = None
        try:
            with self.assertRaisesRegex(ImportError, "pip install pyarrow"):
                iopo.read_groups(self.path).to_pyarrow()
        finally:
            del sys.modules["pyarrow"]

    @needs("pyarrow")
    def test_the_rows_are_those_of_the_file(self):
        import pyarrow.parquet

        table = iopo.read_groups(self.path)
        ours = table.to_pyarrow()
        self.assertEqual(ours.to_pylist(), pyarrow.parquet.read_table(self.path).to_pylist())
        self.assertEqual(ours.column_names, table.column_names)
        row = ours.to_pylist()[0]
        constraints = [iopo.Constraint(c["check"]["id"], c["check"]["params"]) for c in row["x1_constraints"]]
        self.assertEqual(iopo.satisfied([row["y1"]], [constraints]), [[True] * len(constraints)])
        self.assertIn(False, iopo.satisfied([row["y2"]], [constraints])[0])

    @needs("pyarrow")
    def test_tables_share_memory_and_outlive_their_source(self):
        table = iopo.read_groups(self.path)
        first, second = table.to_pyarrow(), table.to_pyarrow()
        copied = first.column("x1").combine_chunks().take(list(range(len(table))))
        for name in table.column_names:
            self.assertEqual(addresses(first.column(name)), addresses(second.column(name)), name)
        # A copy has other addresses.
        self.assertNotEqual(addresses(first.column("x1"))[-1], copied.buffers()[-1].address)
        texts = first.column("x1").to_pylist()
        del table, second
        self.assertEqual(first.column("x1").to_pylist(), texts)

    @needs("pyarrow")
    def test_every_reader_of_the_capsule_interface_gets_the_rows(self):
        import pyarrow

        table = iopo.read_groups(self.path)
        self.assertEqual(pyarrow.schema(table).names, table.column_names)
        stream = pyarrow.RecordBatchReader.from_stream(table)
        self.assertEqual(stream.read_all().num_rows, len(table))
        # A capsule that nobody reads is released.
        for _ in range(100):
            table.__arrow_c_stream__()
            table.__arrow_c_schema__()
            table.__arrow_c_stream__(None)


if __name__ == "__main__":
    unittest.main()
