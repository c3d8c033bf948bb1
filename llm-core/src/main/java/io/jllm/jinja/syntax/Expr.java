package io.jllm.jinja.syntax;

import io.jllm.jinja.value.Arithmetic;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.util.List;
import java.util.Optional;

/** An expression. */
public sealed interface Expr {
    /** Where it stands, from 1. */
    int line();

    /** A value that is written out. */
    record Literal(Value value, int line) implements Expr {
    }

    /** A variable. */
    record Name(String name, int line) implements Expr {
    }

    record ListLiteral(List<Expr> items, int line) implements Expr {
    }

    record TupleLiteral(List<Expr> items, int line) implements Expr {
    }

    record DictLiteral(List<Pair> pairs, int line) implements Expr {
        /** A key and its value. */
        public record Pair(Expr key, Expr value) {
        }
    }

    /** {@code of.name}. */
    record Attribute(Expr of, Str name, int line) implements Expr {
    }

    /** {@code of[key]}. */
    record Item(Expr of, Expr key, int line) implements Expr {
    }

    /** {@code of[start:stop:step]}; what is left out is None. */
    record Slice(Expr of, Expr start, Expr stop, Expr step, int line) implements Expr {
    }

    record Call(Expr callee, Passed passed, int line) implements Expr {
    }

    /** {@code of|name(...)}. */
    record Filter(Expr of, FilterCall call) implements Expr {
        @Override
        public int line() {
            return call.line;
        }
    }

    /** {@code of is name(...)}. */
    record Test(Expr of, String name, Passed passed, int line) implements Expr {
    }

    record Not(Expr of, int line) implements Expr {
    }

    /** {@code -of} or {@code +of}. */
    record Sign(boolean minus, Expr of, int line) implements Expr {
    }

    record Binary(Arithmetic.Operator operator, Expr left, Expr right, int line) implements Expr {
    }

    /** {@code a ~ b ~ c}. */
    record Concat(List<Expr> parts, int line) implements Expr {
    }

    /** {@code a < b <= c}. */
    record Compare(Expr first, List<Operand> others, int line) implements Expr {
        /** How two values are compared. */
        public enum Relation {
            EQ("=="), NE("!="), LT("<"), LE("<="), GT(">"), GE(">="), IN("in"), NOT_IN("not in");

            private final String sign;

            Relation(String sign) {
                this.sign = sign;
            }

            public String sign() {
                return sign;
            }
        }

        /** What the value before it is compared to. */
        public record Operand(Relation relation, Expr expr) {
        }
    }

    record And(Expr left, Expr right, int line) implements Expr {
    }

    record Or(Expr left, Expr right, int line) implements Expr {
    }

    /** {@code then if test else otherwise}. */
    record Conditional(Expr test, Expr then, Optional<Expr> otherwise, int line) implements Expr {
    }

    /** What a call passes. */
    record Passed(List<Expr> positional, List<Keyword> named, Optional<Expr> list, Optional<Expr> dict) {
        public static final Passed NOTHING = new Passed(List.of(), List.of(), Optional.empty(), Optional.empty());

        /** {@code name=value}. */
        public record Keyword(String name, Expr value) {
        }
    }

    /** A filter and what it is given beside the value. */
    record FilterCall(String name, Passed passed, int line) {
    }
}
