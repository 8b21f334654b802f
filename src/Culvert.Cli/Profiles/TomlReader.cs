using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Culvert.Core;

namespace Culvert.Cli.Profiles;

/// <summary>
/// Reads the part of TOML 1.0 that profiles need, strictly: tables (<c>[exit.home]</c>), and keys with a string (basic or literal, on one line), a whole
/// number, true or false, or a list of strings, which may go over several lines. Anything else is an error with its line.
/// </summary>
internal sealed class TomlReader
{
    private readonly string _file;
    private readonly string _text;
    private int _at;
    private int _line = 1;

    private TomlReader(string file, string text)
    {
        _file = file;
        _text = text;
    }

    private char Next => _at < _text.Length ? _text[_at] : '\n';

    /// <summary>The tables by their dotted names; keys before the first table are in the one with the empty name.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: what is wrong, with file and line.</exception>
    public static Dictionary<string, Dictionary<string, TomlValue>> Read(string file, string text) =>
        new TomlReader(file, text.ReplaceLineEndings("\n")).Read();

    /// <summary>An error at a line of the file.</summary>
    public static CulvertException Wrong(string file, int line, string what) => new(FailureKind.Configuration, $"{file}:{line}: {what}");

    private Dictionary<string, Dictionary<string, TomlValue>> Read()
    {
        Dictionary<string, TomlValue> table = [];
        Dictionary<string, Dictionary<string, TomlValue>> tables = new() { [""] = table };
        while (true)
        {
            SkipSpaceAndLines();
            if (_at >= _text.Length)
            {
                return tables;
            }

            if (Next == '[')
            {
                _at++;
                string name = ReadName(dots: true);
                Expect(']', "a table's name ends with ']'");
                table = [];
                if (!tables.TryAdd(name, table))
                {
                    throw Wrong($"the table [{name}] is there twice");
                }
            }
            else
            {
                string key = ReadName(dots: false);
                int line = _line;
                Expect('=', $"behind '{key}' stands '=' and a value");
                SkipSpace();
                if (!table.TryAdd(key, new TomlValue(ReadValue(), line)))
                {
                    throw Wrong($"'{key}' is there twice");
                }
            }

            SkipSpace();
            if (Next == '#')
            {
                SkipComment();
            }

            if (Next != '\n')
            {
                throw Wrong($"'{RestOfLine()}' is too much on this line");
            }
        }
    }

    private string ReadName(bool dots)
    {
        StringBuilder name = new();
        while (true)
        {
            SkipSpace();
            if (Next is '"' or '\'')
            {
                name.Append(ReadString());
            }
            else
            {
                int start = _at;
                while (char.IsAsciiLetterOrDigit(Next) || Next is '-' or '_')
                {
                    _at++;
                }

                if (_at == start)
                {
                    throw Wrong($"a name was expected, not '{RestOfLine()}'");
                }

                name.Append(_text, start, _at - start);
            }

            SkipSpace();
            if (!dots || Next != '.')
            {
                return name.ToString();
            }

            name.Append('.');
            _at++;
        }
    }

    private object ReadValue()
    {
        switch (Next)
        {
            case '"' or '\'':
                return ReadString();
            case '[':
                return ReadList();
        }

        int start = _at;
        while (char.IsAsciiLetterOrDigit(Next) || Next is '-' or '+' or '_' or '.' or ':')
        {
            _at++;
        }

        string word = _text[start.._at];
        return word switch
        {
            "true" => true,
            "false" => false,
            _ when long.TryParse(word.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) => number,
            _ => throw Wrong($"'{(word.Length > 0 ? word : RestOfLine())}' is no value: give a \"string\", a whole number, true, false, or a list of strings"),
        };
    }

    private List<string> ReadList()
    {
        List<string> list = [];
        _at++;
        while (true)
        {
            SkipSpaceAndLines();
            if (_at < _text.Length && Next == ']')
            {
                _at++;
                return list;
            }

            if (Next is not ('"' or '\''))
            {
                throw Wrong("a list holds strings, and ends with ']'");
            }

            list.Add(ReadString());
            SkipSpaceAndLines();
            if (_at < _text.Length && Next == ',')
            {
                _at++;
            }
            else if (_at >= _text.Length || Next != ']')
            {
                throw Wrong("between the strings of a list stand commas, and it ends with ']'");
            }
        }
    }

    private string ReadString()
    {
        char quote = Next;
        _at++;
        StringBuilder text = new();
        while (Next != quote)
        {
            if (Next == '\n')
            {
                throw Wrong($"the string does not end with {quote}");
            }

            if (Next != '\\' || quote == '\'')
            {
                text.Append(Next);
                _at++;
                continue;
            }

            _at++;
            char escape = Next;
            _at++;
            text.Append(escape switch
            {
                '"' or '\\' => escape.ToString(),
                't' => "\t",
                'n' => "\n",
                'r' => "\r",
                'u' => ReadCodePoint(4),
                'U' => ReadCodePoint(8),
                _ => throw Wrong($"'\\{escape}' is no escape of TOML; write '\\\\' for a backslash, or put the string in single quotes"),
            });
        }

        _at++;
        return text.ToString();
    }

    private string ReadCodePoint(int digits)
    {
        if (_at + digits <= _text.Length
            && int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            && Rune.IsValid(code))
        {
            _at += digits;
            return new Rune(code).ToString();
        }

        throw Wrong($"behind \\u and \\U stand {digits} hexadecimal digits of a character");
    }

    private void Expect(char wanted, string sentence)
    {
        SkipSpace();
        if (Next != wanted)
        {
            throw Wrong(sentence);
        }

        _at++;
    }

    private void SkipSpace()
    {
        while (Next is ' ' or '\t')
        {
            _at++;
        }
    }

    private void SkipComment()
    {
        while (Next != '\n')
        {
            _at++;
        }
    }

    private void SkipSpaceAndLines()
    {
        while (_at < _text.Length && Next is ' ' or '\t' or '\n' or '#')
        {
            if (Next == '#')
            {
                SkipComment();
                continue;
            }

            _line += Next == '\n' ? 1 : 0;
            _at++;
        }
    }

    private string RestOfLine() => string.Concat(_text.Skip(_at).TakeWhile(static c => c != '\n').Take(40));

    private CulvertException Wrong(string what) => Wrong(_file, _line, what + ".");
}
