# Completion of ./inv in fish: source this, as by  ./inv --print-completion-script fish | source

function __alpharho_inv
    set -l words (commandline -opc)
    $words[1] --complete -- $words[2..] (commandline -ct) 2>/dev/null
end

complete --command inv --no-files --arguments '(__alpharho_inv)'
